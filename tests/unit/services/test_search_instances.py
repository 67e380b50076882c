"""A search of instances finds what matches among what is visible, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from pydicom import dcmread

from pacsgate.bootstrap.installation import Installation
from pacsgate.dicom.query import Range, UidList
from pacsgate.dicom.summarise import read_summary
from pacsgate.model.errors import RequestError
from pacsgate.policy.instance_query.matching import matches
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.services.narrowing import study_keys
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search_cursor import SearchCursor, read_cursor
from pacsgate.services.search_instances import InstanceFindings, SearchInstances
from tests.support.installed import add, bound, installed, main_archive
from tests.support.objects import Part10, variant

POLICY = """\
version: 1
roles:
  researcher: {may: [search, view], owner: o}
  ct: {may: [search, view], owner: o}
  blind: {may: [search, view], owner: o}
  porter: {may: [view], owner: o}
rules:
  - {id: all, effect: permit, roles: [researcher]}
  - {id: ct, effect: permit, roles: [ct], when: series.modality == 'CT'}
  - {id: blind, effect: permit, roles: [blind], obligations: {mask: [PatientName, KVP]}}
  - {id: porters, effect: permit, roles: [porter]}
assignments:
  - {users: [all], roles: [researcher]}
  - {users: [ct], roles: [ct]}
  - {users: [blind], roles: [blind]}
  - {users: [porter], roles: [porter]}
"""


def uid(*numbers: int) -> str:
    return ".".join(["1.2.826.0.1.3680043.8.498.7", *map(str, numbers)])


def some_objects() -> tuple[Part10, ...]:
    """Four studies: computed tomography and resonance, two instances a series, days apart."""
    return tuple(
        variant(
            "CT_small.dcm" if modality == "CT" else "MR_small.dcm",
            Modality=modality,
            PatientID=f"P{study}",
            PatientName=f"Test^Patient{study}",
            StudyDate=f"2026010{study}",
            StudyInstanceUID=uid(study),
            SeriesInstanceUID=uid(study, series),
            SOPInstanceUID=uid(study, series, instance),
            InstanceNumber=instance,
            KVP=str(80 + 20 * instance),
        )
        for study in range(1, 5)
        for series, modality in ((1, "CT"), (2, "MR"))
        for instance in (1, 2)
        if not (study == 4 and modality == "CT")
    )


OBJECTS = some_objects()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("search"), OBJECTS, policy=POLICY) as opened:
        yield opened


def search(opened: Installation, name: str, query: str, **options: Any) -> InstanceFindings | Refusal:
    given = {"limit": 1000, "seconds": 60.0} | options
    return opened.search_instances.find(
        opened.scope, main_archive(opened), read_query(query), bound(opened, name), **given
    )


def found(opened: Installation, name: str, query: str, **options: Any) -> list[str]:
    findings = search(opened, name, query, **options)
    assert isinstance(findings, InstanceFindings)
    return [row.key.sop_instance_uid or "" for row in findings.rows]


def expected(query: str, modalities: Sequence[str] = ("CT", "MR")) -> set[str]:
    """The same question, asked of the files."""
    return {
        one.key.sop_instance_uid or ""
        for one in OBJECTS
        if dcmread(BytesIO(one.data)).Modality in modalities
        and matches(read_query(query), read_summary(one.data).header)
    }


QUERIES = (
    "",
    "Modality StrEquals CT",
    "Modality StrNotEquals CT AND StudyDate StrEquals 20260103",
    "PatientName StrEquals test*2 OR InstanceNumber NbEquals 1",
    "KVP NbGreater 110",
    "KVP NbEquals 100 AND Modality StrEquals MR",
    "RescaleSlope Exists",
    "ImageType StrEquals LOCALIZER OR SliceThickness NbLess 1",
    "AdditionalPatientHistory NotExists AND Modality Exists",
    "ModalitiesInStudy Exists",
    "StudyDate NbGreater 20260102 AND KVP NbEquals 100",
    "StudyDate NbLess 20260103 AND (Modality StrEquals cT OR Rows NbLess 0)",
    "Modality StrEquals mr AND StudyDate NbEquals 20260104 AND StudyDate NbNotEquals 20260101",
    f"StudyInstanceUID StrEquals {uid(3)} AND Modality StrEquals C*",
    "StudyDate NbGreater 2026 AND StudyDate NbLess 99999999 AND Modality StrNotEquals CT",
    "Foo.Bar Exists",
)


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_found_is_what_matches_whoever_keeps_it(installation: Installation, query: str) -> None:
    assert set(found(installation, "all", query)) == expected(query)
    assert set(found(installation, "ct", query)) == expected(query, ("CT",))


def test_the_newest_study_comes_first(installation: Installation) -> None:
    studies = [uid_.split(".")[-3] for uid_ in found(installation, "all", "")]
    assert studies == sorted(studies, reverse=True)


def pages(opened: Installation, name: str, query: str, **options: Any) -> list[list[str]]:
    """Every page, as a caller gets them who hands the cursor back."""
    collected: list[list[str]] = []
    cursor: str | None = None
    for _ in range(100):
        findings = search(
            opened, name, query, cursor=None if cursor is None else read_cursor(cursor), **options
        )
        assert isinstance(findings, InstanceFindings)
        collected.append([row.key.sop_instance_uid or "" for row in findings.rows])
        if findings.cursor is None:
            return collected
        cursor = str(findings.cursor)
    raise AssertionError("a search without end")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 14, 15])
@pytest.mark.parametrize("query", ["", "KVP NbGreater 110", "Modality StrEquals MR"])
def test_pages_together_are_the_whole_answer(installation: Installation, query: str, limit: int) -> None:
    collected = pages(installation, "all", query, limit=limit)
    assert [one for page in collected for one in page] == found(installation, "all", query)
    assert all(len(page) == limit for page in collected[:-1])


@dataclass
class Hurried:
    """A clock by which every look takes a second."""

    ticks: Iterator[int]

    def now(self) -> Any:
        raise AssertionError("the time of day is the context's")

    def monotonic(self) -> float:
        return float(next(self.ticks))


def test_a_search_whose_time_is_over_says_so_and_goes_on_later(installation: Installation) -> None:
    hurried = SearchInstances(
        installation.stores.index, installation.archives.by_name, installation.freshness, Hurried(count())
    )
    asker, query = bound(installation, "all"), read_query("KVP NbEquals 120")
    seen: list[str] = []
    cursor: SearchCursor | None = None
    for number in range(20):
        findings = hurried.find(
            installation.scope,
            main_archive(installation),
            query,
            asker,
            limit=1000,
            seconds=0.5,
            cursor=cursor,
        )
        assert isinstance(findings, InstanceFindings)
        seen += [row.key.sop_instance_uid or "" for row in findings.rows]
        cursor = findings.cursor
        if cursor is None:
            assert not findings.out_of_time
            assert number > 3
            break
        assert findings.out_of_time
    assert seen == found(installation, "all", "KVP NbEquals 120")


def test_a_study_that_comes_between_two_pages_moves_nothing(tmp_path) -> None:
    with installed(tmp_path, OBJECTS, policy=POLICY) as opened:
        whole = found(opened, "all", "")
        first = search(opened, "all", "", limit=5)
        assert isinstance(first, InstanceFindings)
        newer = variant(
            StudyDate="20270101",
            StudyInstanceUID=uid(9),
            SeriesInstanceUID=uid(9, 1),
            SOPInstanceUID=uid(9, 1, 1),
        )
        add(opened, [newer])
        rest = found(opened, "all", "", cursor=first.cursor)
        assert [row.key.sop_instance_uid for row in first.rows] + rest == whole


def test_what_is_masked_is_absent(installation: Installation) -> None:
    assert found(installation, "blind", "PatientName Exists OR KVP Exists") == []
    assert set(found(installation, "blind", "PatientName NotExists")) == expected("")
    assert set(found(installation, "blind", "KVP NotExists AND Rows Exists")) == expected("Rows Exists")
    findings = search(installation, "blind", "")
    assert isinstance(findings, InstanceFindings)
    assert all("00100010" not in row.attributes for row in findings.rows)


def test_studies_are_looked_up_by_what_every_match_must_say() -> None:
    def keys(text: str) -> dict[str, object]:
        return {key.keyword: key.matching for key in study_keys(read_query(text))}

    assert keys("Modality StrEquals CT AND KVP NbLess 100") == {
        "ModalitiesInStudy": UidList(("CT", "Ct", "cT", "ct"))
    }
    assert keys("(StudyDate NbGreater 20260101 AND Rows Exists)") == {"StudyDate": Range("20260101", None)}
    for text in (
        "Modality StrEquals CT OR Rows Exists",
        "Modality StrNotEquals CT",
        "Modality StrEquals C*",
        'Modality StrEquals ""',
        "StudyDate NbGreater 2026",
        "StudyDate NbNotEquals 20260101",
        "ProcedureCodeSequence.Modality StrEquals CT",
    ):
        assert keys(text) == {}, text


@pytest.mark.parametrize("name", ["porter", "stranger"])
def test_who_may_never_search_is_refused(installation: Installation, name: str) -> None:
    refused = search(installation, name, "")
    assert isinstance(refused, Refusal)
    assert refused.answer is Answer.FORBIDDEN


@pytest.mark.parametrize("text", ["", "x", "AAAA", "!!!!", str(SearchCursor(-1, "1.2", "1.2"))])
def test_a_cursor_that_no_search_gave_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        read_cursor(text)


def test_a_cursor_to_what_is_gone_or_hidden_shows_nothing_more(installation: Installation) -> None:
    hidden = SearchCursor(0, uid(4), uid(4, 2, 1))
    assert set(found(installation, "ct", "", cursor=hidden)) == expected("", ("CT",))
    assert found(installation, "ct", "", cursor=replace_offset(hidden, 10**6)) == []


def replace_offset(cursor: SearchCursor, studies_before: int) -> SearchCursor:
    return SearchCursor(studies_before, cursor.study_instance_uid, cursor.sop_instance_uid)
