"""Whole searches hold what a check would allow, once each, while the index changes under them."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.query import MatchKey, Query, SingleValue, Wildcard
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import DEFAULT_TENANT, Level, ResourceKey
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.protocols.dimse.query_keys import PATIENT_COUNTS
from pacsgate.services import find_all
from pacsgate.services.find_all import FindAll
from pacsgate.services.find_patients import FindPatients
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Findings, Found, Search
from pacsgate.stores.stores import Stores, stores_on
from tests.support.clocks import START
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

POLICY = """\
version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
roles:
  reader: {may: [search]}
  counter: {may: [search]}
  blind: {may: [search]}
  nobody: {may: [view]}
rules:
  - {id: open, effect: permit, roles: [reader], when: study.department == 'OPEN'}
  - {id: reports, effect: forbid, roles: [reader], when: series.modality == 'SR'}
  - {id: uncounted, effect: permit, roles: [counter], obligations: {mask: [NumberOfStudyRelatedSeries]}}
  - {id: nameless, effect: permit, roles: [blind], obligations: {mask: [PatientID]}}
"""
STUDIES = 60
ALL_STUDIES = Query(Level.STUDY)
PATIENTS = Query(Level.STUDY, (MatchKey(("PatientID",), SingleValue("")),))


@pytest.fixture
def stores(tmp_path) -> Iterator[Stores]:
    with opened(sqlite_url(tmp_path)) as database:
        stores = stores_on(database)
        stores.index.ingest(SCOPE, MAIN, tuple(objects()), SEEN)
        yield stores


def objects() -> Iterator:  # type: ignore[type-arg]
    """Twenty patients of three studies each, some hidden whole, some in part; the last has no PatientID."""
    for number in range(STUDIES):
        patient = f"P{number % 20}" if number % 20 < 19 else ""
        department = "OPEN" if number % 3 and number % 20 != 17 else "SECRET"
        for series, modality in (("1", "CT"), ("2", "SR" if number % 4 == 0 else "MR")):
            for sop in range(1 + number % 3):
                yield a_study(number, patient, department, f".{series}", f".{sop + 1}", modality)


def a_study(number: int, patient: str, department: str, series: str, sop: str, modality: str):  # type: ignore[no-untyped-def]
    study = f"1.2.{number + 100}"
    return instance(
        study,
        study + series,
        study + series + sop,
        patient=patient,
        issuer="ELSEWHERE" if number == 40 else "",
        of_study={
            "PatientID": patient or None,
            "IssuerOfPatientID": "ELSEWHERE" if number == 40 else None,
            "PatientName": {"Alphabetic": f"NAME{number}"},
            "StudyDate": f"202601{1 + number % 28:02}",
        },
        of_series={"Modality": modality},
        study_facts={"department": frozenset({department})},
        series_facts={"modality": frozenset({modality})},
    )


def bound(*roles: str) -> Bound:
    subject = Subject(DEFAULT_TENANT, "ann", assignments=tuple(map(Assignment, roles)))
    return bind(load_policy({"p.yaml": POLICY}), subject, Context(START, "r"), MAIN, ())


def walk(stores: Stores, role: str = "reader") -> FindAll:
    who = bound(role)
    return FindAll(Search(stores.index), SCOPE, MAIN, lambda: who)


def rows(pages: Iterator[Findings | Refusal]) -> list[Found]:
    found = []
    for page in pages:
        assert isinstance(page, Findings)
        found += page.rows
    return found


def allowed(stores: Stores, who: Bound) -> dict[Level, set[tuple[str, ...]]]:
    """What a check would allow, by the names of each level."""
    found: dict[Level, set[tuple[str, ...]]] = {level: set() for level in Level}
    for study in stores.index.every_study(SCOPE, MAIN):
        for series in study.series:
            if isinstance(who.decide(Action.SEARCH, study.facts_of(series)), Allow):
                found[Level.PATIENT].add((study.patient_id, study.issuer_of_patient_id))
                found[Level.STUDY].add((study.study_instance_uid,))
                found[Level.SERIES].add((study.study_instance_uid, series.series_instance_uid))
    return found


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
def test_all_pages_together_hold_what_a_check_would_allow(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, level: Level, size: int
) -> None:
    monkeypatch.setattr(find_all, "PAGE", size)
    found = [
        (row.key.study_instance_uid, row.key.series_instance_uid)[: 1 if level is Level.STUDY else 2]
        for row in rows(walk(stores).pages([Query(level)]))
    ]
    assert len(set(found)) == len(found)
    assert set(found) == allowed(stores, bound("reader"))[level]


def test_what_comes_or_goes_between_two_pages_neither_repeats_nor_loses_a_row(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_all, "PAGE", 5)
    there = [row.key.study_instance_uid for row in rows(walk(stores).pages([ALL_STUDIES]))]
    told: list[str] = []
    for number, page in enumerate(walk(stores).pages([ALL_STUDIES])):
        assert isinstance(page, Findings)
        told += [row.key.study_instance_uid for row in page.rows]
        if number == 0:
            for gone in told[1:4]:
                stores.index.remove(SCOPE, MAIN, ResourceKey(gone))
        if number == 1:
            stores.index.ingest(SCOPE, MAIN, (a_study(900, "P900", "OPEN", ".1", ".1", "CT"),), SEEN)
    assert len(told) == len(set(told))
    assert set(there) <= set(told)


def test_an_index_that_never_rests_ends_a_search_all_the_same(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_all, "PAGE", 5)
    pages = 0
    for number, _ in enumerate(walk(stores).pages([ALL_STUDIES])):
        pages += 1
        stores.index.ingest(SCOPE, MAIN, (a_study(number + 900, "P900", "OPEN", ".1", ".1", "CT"),), SEEN)
        assert pages < 100
    assert pages > 3


def test_what_is_withdrawn_between_two_pages_is_not_on_the_second(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_all, "PAGE", 5)
    roles = iter(["reader", *["nobody"] * 9])
    pages = list(FindAll(Search(stores.index), SCOPE, MAIN, lambda: bound(next(roles))).pages([ALL_STUDIES]))
    assert [type(page) for page in pages] == [Findings, Refusal]


def test_a_search_without_rows_has_one_empty_page(stores: Stores) -> None:
    nothing = Query(Level.STUDY, (MatchKey(("PatientID",), SingleValue("NONE")),))
    (page,) = walk(stores).pages([nothing, nothing])
    assert isinstance(page, Findings)
    assert page.rows == ()


def test_a_search_for_too_much_is_cut_off_and_said_so(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_all, "PAGE", 5)
    monkeypatch.setattr(find_all, "MOST_ROWS", 10)
    with pytest.raises(RequestError) as refused:
        list(walk(stores).pages([ALL_STUDIES]))
    assert refused.value.status == 413


# ------------------------------------------------------------------ patients


def patients(stores: Stores, role: str = "reader", query: Query = PATIENTS, *counts: str) -> list[Found]:
    return rows(FindPatients(walk(stores, role)).pages([query], counts))


def number(row: Found, keyword: str) -> int | None:
    element = row.attributes.get(tag_of(keyword))
    return None if element is None else element["Value"][0]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_patient_is_there_if_a_visible_study_of_theirs_is(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(find_all, "PAGE", size)
    found = [
        (row.patient_id, "ELSEWHERE" if row.key.study_instance_uid == "1.2.140" else "")
        for row in patients(stores)
    ]
    expected = {patient for patient in allowed(stores, bound("reader"))[Level.PATIENT] if patient[0]}
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert ("P17", "") not in expected


def test_counts_of_a_patient_are_of_all_that_is_visible_and_nothing_else(stores: Stores) -> None:
    one = Query(Level.STUDY, (*PATIENTS.match, MatchKey(("PatientName",), SingleValue("NAME41"))))
    (row,) = patients(stores, "reader", one, *PATIENT_COUNTS)
    visible = [
        (study, series)
        for study in stores.index.every_study(SCOPE, MAIN)
        if study.patient_id == "P1"
        for series in study.series
        if isinstance(bound("reader").decide(Action.SEARCH, study.facts_of(series)), Allow)
    ]
    assert number(row, "NumberOfPatientRelatedStudies") == len(
        {study.study_instance_uid for study, _ in visible}
    )
    assert number(row, "NumberOfPatientRelatedSeries") == len(visible)
    assert number(row, "NumberOfPatientRelatedInstances") == sum(len(s.instances) for _, s in visible)


def test_patients_of_two_issuers_with_one_id_are_two(stores: Stores) -> None:
    own = [row for row in patients(stores, "reader", PATIENTS, *PATIENT_COUNTS) if row.patient_id == "P0"]
    assert [number(row, "NumberOfPatientRelatedStudies") for row in own] == [1, 1]


def test_a_count_that_a_study_hides_is_in_no_sum(stores: Stores) -> None:
    row, *_ = patients(stores, "counter", PATIENTS, *PATIENT_COUNTS)
    assert number(row, "NumberOfPatientRelatedSeries") is None
    assert number(row, "NumberOfPatientRelatedStudies") == 3


def test_who_may_see_no_patient_id_is_told_of_no_patients(stores: Stores) -> None:
    (page,) = FindPatients(walk(stores, "blind")).pages([PATIENTS], ())
    assert isinstance(page, Refusal)
    assert [reason.code for reason in page.reasons] == [ReasonCode.MASKED_KEY]


def test_patients_come_in_the_order_of_their_newest_study(stores: Stores) -> None:
    dates = [row.attributes[tag_of("StudyDate")]["Value"][0] for row in patients(stores)]
    assert all(newer >= older for newer, older in pairwise(dates))


def test_patients_are_found_by_their_name(stores: Stores) -> None:
    query = Query(Level.STUDY, (*PATIENTS.match, MatchKey(("PatientName",), Wildcard("NAME4*"))))
    assert {row.patient_id for row in patients(stores, "reader", query)} == {
        f"P{n % 20}" for n in (4, *range(40, 50)) if n % 3 and n % 20 != 17
    }
