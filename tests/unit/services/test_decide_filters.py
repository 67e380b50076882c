"""Instance filters, from the permissions file to the parts of a series: asked at ingest, or by the job afterwards."""

from collections.abc import Iterator

import pytest

from pacsgate.bootstrap.installation import Installation
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.constraint import Constraint
from pacsgate.services.decide_filters import DecideFilters
from pacsgate.services.resolve import Reach, Resolver
from tests.support.installed import add, bound, installed, main_archive, save
from tests.support.objects import Part10, variant


def uid(*numbers: int) -> str:
    return ".".join(["1.2.826.0.1.3680043.8.498.8", *map(str, numbers)])


def objects(*studies: int) -> tuple[Part10, ...]:
    """Of each study one series of four instances: two axial slices at 80 and 120 kV, and two localizers."""
    return tuple(
        variant(
            "CT_small.dcm",
            PatientID=f"P{study}",
            StudyInstanceUID=uid(study),
            SeriesInstanceUID=uid(study, 1),
            SOPInstanceUID=uid(study, 1, instance),
            InstanceNumber=instance,
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL" if instance < 3 else "LOCALIZER"],
            KVP="120" if instance % 2 else "80",
        )
        for study in studies
        for instance in (1, 2, 3, 4)
    )


def permissions(*queries: str) -> str:
    """A profile for each query, and a user of the same number."""
    profiles = "".join(
        f"  P{number}: {{Description: d, DICOMQueryFilter: '{query}'}}\n"
        for number, query in enumerate(queries)
    )
    people = "".join(f"  - {{Users: user{number}, Profiles: P{number}}}\n" for number in range(len(queries)))
    return f"Profiles:\n{profiles}Permissions:\n{people}"


AXIAL, LOW, LINE = "ImageType StrEquals AXIAL", "KVP NbLess 100", "Modality StrEquals CT"


@pytest.fixture
def installation(tmp_path) -> Iterator[Installation]:
    with installed(tmp_path, objects(1), permissions=permissions(AXIAL, LOW)) as opened:
        yield opened


def listed(opened: Installation, name: str, study: int = 1) -> set[int]:
    """The instance numbers that a search finds."""
    constraint = bound(opened, name).constraint(Action.SEARCH)
    if not isinstance(constraint, Constraint):
        return set()
    page = opened.stores.index.search(
        opened.scope, main_archive(opened), Query(Level.INSTANCE, study_instance_uid=uid(study)), constraint
    )
    return {number(match.key) for match in page.matches}


def reached(opened: Installation, name: str, study: int = 1) -> set[int]:
    """The instance numbers that a request for the study reaches."""
    found = Resolver(opened.freshness).reach(
        opened.scope, main_archive(opened), ResourceKey(uid(study)), Action.RETRIEVE, bound(opened, name)
    )
    if not isinstance(found, Reach):
        return set()
    return {number(part.key_of(instance)) for part in found.parts for instance in part.instances}


def number(key: ResourceKey) -> int:
    return int((key.sop_instance_uid or "0").rpartition(".")[2])


def seen(opened: Installation, name: str, study: int = 1) -> set[int]:
    """Both must say the same."""
    assert listed(opened, name, study) == reached(opened, name, study)
    return listed(opened, name, study)


def test_an_instance_is_asked_every_filter_when_it_is_indexed(installation: Installation) -> None:
    assert seen(installation, "user0") == {1, 2}
    assert seen(installation, "user1") == {2, 4}
    assert seen(installation, "user2") == set()


def test_counts_are_those_of_the_visible_instances(installation: Installation) -> None:
    constraint = bound(installation, "user0").constraint(Action.SEARCH)
    assert isinstance(constraint, Constraint)
    for level, tag in ((Level.STUDY, "00201208"), (Level.SERIES, "00201209")):
        page = installation.stores.index.search(
            installation.scope,
            main_archive(installation),
            Query(level, study_instance_uid=uid(1)),
            constraint,
        )
        (row,) = page.matches
        assert row.attributes[tag]["Value"] == [2]
        assert row.attributes["00201206"]["Value"] == [1]


def test_a_new_filter_permits_nothing_until_the_job_has_asked_it(installation: Installation) -> None:
    save(installation, {"permissions.yaml": permissions(AXIAL, LOW, LINE, f"{AXIAL} AND {LOW}")})
    assert seen(installation, "user2") == seen(installation, "user3") == set()
    assert seen(installation, "user0") == {1, 2}, "what was asked stays answered"
    assert installation.filters.left(installation.scope, main_archive(installation)) == 1
    assert run(installation) == 1
    assert installation.filters.left(installation.scope, main_archive(installation)) == 0
    assert seen(installation, "user2") == {1, 2, 3, 4}
    assert seen(installation, "user3") == {2}
    assert (seen(installation, "user0"), seen(installation, "user1")) == ({1, 2}, {2, 4})
    assert run(installation) == 0, "nothing is left to ask"


def test_a_filter_that_changes_is_a_new_one(installation: Installation) -> None:
    save(installation, {"permissions.yaml": permissions("ImageType StrEquals LOCALIZER")})
    assert seen(installation, "user0") == set()
    run(installation)
    assert seen(installation, "user0") == {3, 4}


def test_a_filter_that_goes_costs_nothing(installation: Installation) -> None:
    save(installation, {"permissions.yaml": permissions(AXIAL)})
    assert run(installation) == 0
    assert (seen(installation, "user0"), seen(installation, "user1")) == ({1, 2}, set())


def test_an_instance_that_comes_later_joins_its_part(installation: Installation) -> None:
    add(installation, objects(1, 2))
    assert (seen(installation, "user0"), seen(installation, "user0", 2)) == ({1, 2}, {1, 2})


def test_a_first_filter_divides_what_was_indexed_without_any(tmp_path) -> None:
    with installed(tmp_path, objects(1, 2, 3)) as opened:
        assert run(opened) == 0
        save(opened, {"policy.yaml": "version: 1\n"})
        native = "version: 1\nroles: {r: {may: [search, retrieve], owner: o}}\n"
        native += f"rules: [{{id: r, effect: permit, roles: [r], when: \"'{LOW}' in series.filters\"}}]\n"
        native += "assignments: [{users: [low], roles: [r]}]\n"
        save(opened, {"policy.yaml": native})
        assert seen(opened, "low") == set()
        assert run(opened) == 3
        assert [seen(opened, "low", study) for study in (1, 2, 3)] == [{2, 4}] * 3


def test_an_archive_that_fails_again_and_again_is_left_alone(tmp_path, monkeypatch) -> None:
    with installed(tmp_path, objects(*range(1, 8)), permissions=permissions(AXIAL)) as opened:
        save(opened, {"permissions.yaml": permissions(LOW)})
        broken: list[str] = []

        def fail(_scope: object, _archive: object, study_uid: str) -> None:
            broken.append(study_uid)
            raise ArchiveError("the archive is down")

        freshness = opened.freshness
        monkeypatch.setattr(freshness, "look_again", fail)
        job = DecideFilters(opened.stores.index, opened.policies, freshness)
        with pytest.raises(ArchiveError):
            job.run(opened.scope, main_archive(opened))
        assert len(set(broken)) == len(broken) == 5
        assert seen(opened, "user0") == set()


def test_one_study_that_cannot_be_read_keeps_no_other_from_being_asked(tmp_path, monkeypatch) -> None:
    with installed(tmp_path, objects(1, 2, 3), permissions=permissions(AXIAL)) as opened:
        save(opened, {"permissions.yaml": permissions(LOW)})
        freshness = opened.freshness
        look_again = freshness.look_again

        def fail_once(scope, archive, study_uid: str) -> None:
            if study_uid == uid(2):
                raise ArchiveError("the archive holds a damaged object")
            look_again(scope, archive, study_uid)

        monkeypatch.setattr(freshness, "look_again", fail_once)
        assert (
            DecideFilters(opened.stores.index, opened.policies, freshness).run(
                opened.scope, main_archive(opened)
            )
            == 3
        )
        assert [seen(opened, "user0", study) for study in (1, 2, 3)] == [{2, 4}, set(), {2, 4}]


def run(opened: Installation) -> int:
    return opened.filters.run(opened.scope, main_archive(opened))
