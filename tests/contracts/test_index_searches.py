"""What a search finds, shows and counts, whatever is underneath."""

import pytest

from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, UidList, Wildcard
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.ir import (
    FALSE,
    SERIES_MODALITY,
    STUDY_UID,
    OneOf,
)
from pacsgate.ports import StudyIndex
from pacsgate.stores import dialects
from tests.contracts.asking import (
    CT_ONLY,
    STUDIES,
    all_found,
    found,
    is_,
    value,
)
from tests.support.indexing import EVERYTHING, MAIN, SCOPE, SEEN, instance, within


def test_nothing_is_found_within_nothing(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert not found(index, FALSE)


def test_a_study_is_shown_as_its_admitted_series_make_it(index: StudyIndex) -> None:
    def of(modality: str, series: str, sop: str) -> object:
        return instance(
            series=series,
            sop=sop,
            of_series={"Modality": modality},
            series_facts={"modality": frozenset({modality})},
        )

    items = [
        of("CT", "1.2.1.1", "1.2.1.1.1"),
        of("CT", "1.2.1.1", "1.2.1.1.2"),
        of("SR", "1.2.1.2", "1.2.1.2.1"),
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)
    page = index.search(SCOPE, MAIN, STUDIES, within(is_(SERIES_MODALITY, "CT")))
    (match,) = page.matches
    assert value(match, "ModalitiesInStudy") == ["CT"]
    assert value(match, "NumberOfStudyRelatedSeries") == [1]
    assert value(match, "NumberOfStudyRelatedInstances") == [2]
    assert [facts.series and facts.series["uid"] for facts in match.facts] == [frozenset({"1.2.1.1"})]
    modality = MatchKey(("ModalitiesInStudy",), SingleValue("SR"))
    assert not found(index, is_(SERIES_MODALITY, "CT"), Query(Level.STUDY, (modality,)))
    assert found(index, is_(SERIES_MODALITY, "SR"), Query(Level.STUDY, (modality,))) == ["1.2.1"]
    number = MatchKey(("NumberOfStudyRelatedSeries",), SingleValue("2"))
    assert not found(index, is_(SERIES_MODALITY, "CT"), Query(Level.STUDY, (number,)))
    (series,) = index.search(SCOPE, MAIN, Query(Level.SERIES), within(is_(SERIES_MODALITY, "CT"))).matches
    assert value(series, "NumberOfSeriesRelatedInstances") == [2]
    assert value(series, "NumberOfStudyRelatedSeries") == [1]


TOLD = {
    "StudyDescription": ("Head", "Secret finding"),
    "PatientName": ({"Alphabetic": "Doe^Jane"}, {"Alphabetic": "Hidden^Name"}),
    "AccessionNumber": ("A1", "A2"),
    "StudyDate": ("20260101", "20260202"),
    "InstitutionName": ("Site", "Elsewhere"),
}
ASKED = {keyword: values for keyword, values in TOLD.items() if keyword != "PatientName"} | {
    "PatientName": ("Doe^Jane", "Hidden^Name")
}


def _told_twice(index: StudyIndex, *order: str, study: str = "1.2.1") -> None:
    """A CT that says one thing of its study and a report that says another, stored in this order."""
    for modality in order:
        number = ("CT", "SR").index(modality)
        item = instance(
            study,
            f"{study}.{number + 1}",
            of_study={keyword: values[number] for keyword, values in TOLD.items()},
            of_series={"Modality": modality},
            series_facts={"modality": frozenset({modality})},
        )
        index.ingest(SCOPE, MAIN, [item], SEEN)


@pytest.mark.parametrize("order", [("CT", "SR"), ("SR", "CT")])
@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_what_only_a_hidden_series_says_of_its_study_is_neither_shown_nor_matched(
    index: StudyIndex, level: Level, order: tuple[str, str]
) -> None:
    _told_twice(index, *order)
    bound = MatchKey(("PatientID",), SingleValue("P1"))
    for number, formula in enumerate((CT_ONLY, is_(SERIES_MODALITY, "SR"))):
        (match,) = index.search(SCOPE, MAIN, Query(level, (bound,)), within(formula)).matches
        assert {keyword: value(match, keyword) for keyword in TOLD} == {
            keyword: [values[number]] for keyword, values in TOLD.items()
        }
        assert value(match, "PatientID") == ["P1"]
        for keyword, values in ASKED.items():
            for asked, text in enumerate(values):
                query = Query(level, (bound, MatchKey((keyword,), SingleValue(text))))
                assert len(found(index, formula, query)) == (asked == number), (keyword, text)


@pytest.mark.parametrize("order", [("CT", "SR"), ("SR", "CT")])
def test_what_a_removed_series_said_of_its_study_goes_with_it(
    index: StudyIndex, order: tuple[str, str]
) -> None:
    _told_twice(index, *order)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.2")) == 1
    (match,) = index.search(SCOPE, MAIN, STUDIES, within(CT_ONLY)).matches
    assert {keyword: value(match, keyword) for keyword in TOLD} == {
        keyword: [said] for keyword, (said, _) in TOLD.items()
    }
    for keyword, (said, gone) in ASKED.items():
        for text, count in ((said, 1), (gone, 0)):
            query = Query(Level.STUDY, (MatchKey((keyword,), SingleValue(text)),))
            assert len(found(index, CT_ONLY, query)) == count, (keyword, text)


def test_a_hidden_series_does_not_decide_by_a_list_or_a_range_either(index: StudyIndex) -> None:
    _told_twice(index, "CT", "SR")
    for keyword, matching in (
        ("AccessionNumber", UidList(("A1", "no such"))),
        ("AccessionNumber", UidList(("A1", "A2"))),
        ("StudyDate", Range("20260101", "20260101")),
        ("StudyDate", Range("20260101", "20261231")),
    ):
        assert found(index, CT_ONLY, Query(Level.STUDY, (MatchKey((keyword,), matching),))) == ["1.2.1"]
    for keyword, matching in (("AccessionNumber", Wildcard("*2")), ("StudyDate", Range("20260102", None))):
        assert not found(index, CT_ONLY, Query(Level.STUDY, (MatchKey((keyword,), matching),)))


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
@pytest.mark.parametrize("keyword", ["AccessionNumber", "StudyDescription"])
@pytest.mark.parametrize("many", [dialects.MANY, 1])
def test_pages_are_exact_where_a_hidden_series_says_otherwise(
    index: StudyIndex, level: Level, keyword: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "MANY", many)
    for number in range(7):
        _told_twice(index, *(("CT", "SR"), ("SR", "CT"), ("CT",))[number % 3], study=f"1.2.{number}")
    key = (MatchKey((keyword,), SingleValue(TOLD[keyword][0])),)
    whole = found(index, CT_ONLY, Query(level, key))
    assert len(whole) == len(set(whole)) == 7
    hidden = (MatchKey((keyword,), SingleValue(TOLD[keyword][1])),)
    assert not found(index, CT_ONLY, Query(level, hidden))
    pages = [
        index.search(SCOPE, MAIN, Query(level, key, limit=3, offset=at), within(CT_ONLY)) for at in (0, 3, 6)
    ]
    assert [str(match.key) for page in pages for match in page.matches] == whole
    assert [page.remaining for page in pages] == [4, 1, 0]


def test_a_study_is_found_by_what_any_admitted_series_says_of_it(index: StudyIndex) -> None:
    _told_twice(index, "CT", "SR")
    third = instance(
        series="1.2.1.3",
        of_study={"AccessionNumber": "A3", "StudyDescription": "Neck"},
        series_facts={"modality": frozenset({"CT"})},
    )
    index.ingest(SCOPE, MAIN, [third], SEEN)
    (match,) = index.search(SCOPE, MAIN, STUDIES, within(CT_ONLY)).matches
    assert value(match, "AccessionNumber") == ["A1"]
    for keyword, values in {"AccessionNumber": "A1 A3", "StudyDescription": "Head Neck"}.items():
        for text in values.split():
            key = MatchKey((keyword,), SingleValue(text))
            assert found(index, CT_ONLY, Query(Level.STUDY, (key,))) == ["1.2.1"]


def test_studies_come_newest_first_and_pages_neither_overlap_nor_miss(index: StudyIndex) -> None:
    dates = ("20260102", "20260101", None, "20260102", "20251231", "20260102", "20260101")
    times = ("0900", "1000", "1200", "1000", "2300", "1000", "0800")
    index.ingest(
        SCOPE,
        MAIN,
        [
            instance(f"1.2.{number}", of_study={"StudyDate": date, "StudyTime": time})
            for number, (date, time) in enumerate(zip(dates, times, strict=True))
        ],
        SEEN,
    )
    whole = all_found(index, STUDIES)
    assert whole == ["1.2.3", "1.2.5", "1.2.0", "1.2.1", "1.2.6", "1.2.4", "1.2.2"]
    for key in (
        (),
        (MatchKey(("StudyDescription",), Wildcard("*")),),
        (MatchKey(("InstanceAvailability",), SingleValue("ONLINE")),),
    ):
        pages = [
            index.search(SCOPE, MAIN, Query(Level.STUDY, key, limit=3, offset=at), EVERYTHING)
            for at in (0, 3, 6, 9)
        ]
        assert [str(match.key) for page in pages for match in page.matches] == whole
        assert [page.remaining for page in pages] == [4, 1, 0, 0]


@pytest.mark.parametrize("level", [Level.SERIES, Level.INSTANCE])
@pytest.mark.parametrize("in_python", [False, True])
def test_pages_of_series_and_instances_are_exact_too(
    index: StudyIndex, level: Level, in_python: bool
) -> None:
    items = [
        instance(
            series=f"1.2.1.{series}",
            sop=f"1.2.1.{series}.{number}",
            series_facts={"modality": frozenset({"CT"})},
        )
        for series in range(3)
        for number in range(4)
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)
    key = (MatchKey(("InstanceAvailability",), SingleValue("ONLINE")),) if in_python else ()
    whole = all_found(index, Query(level, key, study_instance_uid="1.2.1"))
    assert whole == sorted(whole)
    assert len(whole) == (3 if level is Level.SERIES else 12)
    pages = [
        index.search(
            SCOPE, MAIN, Query(level, key, study_instance_uid="1.2.1", limit=5, offset=at), EVERYTHING
        )
        for at in range(0, 15, 5)
    ]
    assert [str(match.key) for page in pages for match in page.matches] == whole
    assert [page.remaining for page in pages] == [max(0, len(whole) - end) for end in (5, 10, 15)]


def test_a_series_is_found_only_under_its_own_study(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    for level in (Level.SERIES, Level.INSTANCE):
        assert not all_found(index, Query(level, study_instance_uid="1.2.1", series_instance_uid="1.2.2.1"))
        assert (
            len(all_found(index, Query(level, study_instance_uid="1.2.2", series_instance_uid="1.2.2.1")))
            == 1
        )


def test_hidden_series_have_no_instances(index: StudyIndex) -> None:
    def of(modality: str, series: str) -> object:
        return instance(series=series, series_facts={"modality": frozenset({modality})})

    index.ingest(SCOPE, MAIN, [of("CT", "1.2.1.1"), of("SR", "1.2.1.2")], SEEN)
    query = Query(Level.INSTANCE, study_instance_uid="1.2.1")
    assert found(index, is_(SERIES_MODALITY, "CT"), query) == ["1.2.1/1.2.1.1/1.2.1.1.1"]


def test_a_search_for_instances_that_no_index_bounds_is_refused(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    with pytest.raises(RequestError) as refused:
        index.search(
            SCOPE, MAIN, Query(Level.INSTANCE, (MatchKey(("InstanceNumber",), SingleValue("1")),)), EVERYTHING
        )
    assert refused.value.status == 413
    with pytest.raises(RequestError):
        index.search(
            SCOPE, MAIN, Query(Level.INSTANCE, (MatchKey(("PatientID",), Wildcard("*1")),)), EVERYTHING
        )
    patient = MatchKey(("PatientID",), SingleValue("P1"))
    assert len(all_found(index, Query(Level.INSTANCE, (patient,)))) == 1


def test_five_thousand_names_in_a_constraint_are_no_trouble(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(f"1.2.{number}") for number in range(3)], SEEN)
    names = frozenset(f"1.2.{number}" for number in range(1, 5000))
    assert sorted(found(index, OneOf(STUDY_UID, names))) == ["1.2.1", "1.2.2"]
