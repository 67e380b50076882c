"""The end of a series is told once: when an object of another one comes, or with the association."""

from pacsgate.gateway.dimse.series_run import SeriesRun


class Told(list[str]):
    """What has ended, in order."""

    def of(self, name: str) -> "Told.Ending":
        return Told.Ending(self, name)

    class Ending:
        def __init__(self, told: "Told", name: str) -> None:
            self._told, self._name = told, name

        def __call__(self) -> None:
            self._told.append(self._name)


def test_objects_of_one_series_end_it_once_as_its_last_object_says() -> None:
    told, run = Told(), SeriesRun()
    run.goes_on("1", "1.1", told.of("first"))
    run.goes_on("1", "1.1", told.of("second"))
    assert told == []
    run.end()
    run.end()
    assert told == ["second"]


def test_another_series_or_study_ends_the_one_before() -> None:
    told, run = Told(), SeriesRun()
    run.goes_on("1", "1.1", told.of("a"))
    run.goes_on("1", "1.2", told.of("b"))
    assert told == ["a"]
    run.goes_on("2", "1.2", told.of("c"))
    assert told == ["a", "b"]
    run.end()
    assert told == ["a", "b", "c"]


def test_an_association_that_stored_nothing_ends_nothing() -> None:
    SeriesRun().end()
