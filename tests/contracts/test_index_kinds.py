"""Kinds, parts and single rows: what makes lists quick never makes them wrong."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from pacsgate.dicom.query import MatchKey, Query, Range, SingleValue, Wildcard
from pacsgate.model.resource import Level, ResourceKey
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    FILTERS,
    LABELS,
    PATIENT_ID,
    SERIES_UID,
    STUDY_DATE,
    STUDY_UID,
    TRUE,
    And,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Like,
    Not,
    OneOf,
    Or,
    Scope,
    ValueType,
)
from pacsgate.ports import Ingested, StudyIndex
from pacsgate.stores import plans
from pacsgate.stores.stores import Stores
from tests.contracts.asking import (
    CT_ONLY,
    DEPARTMENT,
    STUDIES,
    all_found,
    department,
    found,
    is_,
    the_study,
    value,
)
from tests.support.events import READ
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

REFERRER = Attribute(Scope.STUDY, "referrer", ValueType.STRING)
SOME = Contains(FILTERS, "f1")


def of(number: int, *letters: str, date: str | None = None, **more: object) -> Ingested:
    return instance(
        f"1.2.{number}",
        of_study={"StudyDate": date or f"202601{number % 28 + 1:02}"},
        study_facts=department(*letters),
        series_facts={"modality": frozenset({"CT"})},
        **more,
    )


# ------------------------------------------------------------------ kinds


def test_every_study_is_of_one_kind_and_each_kind_counts_its_own(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [of(number, "AB"[number % 2]) for number in range(7)], SEEN)
    kinds = list(index.kinds(SCOPE, MAIN))
    counted = {str(value): kind.studies for kind in kinds for value in kind.study["department"]}
    assert counted == {"A": 4, "B": 3}
    (of_b,) = (kind for kind in kinds if kind.studies == 3)
    assert of_b.parts == ({"modality": frozenset({"CT"})},)
    assert index.of_kind(SCOPE, MAIN, of_b.number, 2) == ("1.2.5", "1.2.3")
    assert index.counts(SCOPE, MAIN) == (7, 7, 7)


def test_a_study_that_changes_leaves_its_kind_for_another(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [of(1, "A"), of(2, "A")], SEEN)
    index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    assert sorted(kind.studies for kind in index.kinds(SCOPE, MAIN)) == [1, 1]
    index.ingest(SCOPE, MAIN, [instance("1.2.2", "1.2.2.2", study_facts=department("A"))], SEEN)
    assert sorted(len(kind.parts) for kind in index.kinds(SCOPE, MAIN)) == [1, 2]
    index.remove(SCOPE, MAIN, ResourceKey("1.2.2"))
    (kind,) = index.kinds(SCOPE, MAIN)
    assert (kind.studies, kind.study["labels"]) == (1, frozenset({"VIP"}))
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)


def test_another_process_hears_of_every_change(stores: Stores, another_process: Stores) -> None:
    mine, theirs = stores.index, another_process.index
    formula = Or((is_(DEPARTMENT, "A"), is_(STUDY_UID, "1.2.3"), And((SOME, CT_ONLY))))
    for step, change in enumerate(_changes(mine), 1):
        change()
        expected = {str(match.key) for match in mine.search(SCOPE, MAIN, STUDIES, within(formula)).matches}
        for index in (mine, theirs):
            assert set(found(index, formula)) == expected, step
            assert index.count(SCOPE, MAIN, within(formula)) == len(expected), step
    assert expected == {"1.2.3", "1.2.5"}


def _changes(index: StudyIndex) -> Iterator[object]:
    yield lambda: index.ingest(SCOPE, MAIN, [of(1, "A"), of(2, "B"), of(3, "B")], SEEN)
    yield lambda: index.ingest(SCOPE, MAIN, [of(2, "A")], SEEN)
    yield lambda: index.remove(SCOPE, MAIN, ResourceKey("1.2.3"))
    yield lambda: index.ingest(SCOPE, MAIN, [of(3, "C")], SEEN)
    yield lambda: index.set_labels(SCOPE, MAIN, "1.2.1", labels=frozenset({"VIP"}), event=READ)
    yield lambda: index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    yield lambda: index.ingest(SCOPE, MAIN, [of(2, "D"), of(4, "D"), of(5, "A")], SEEN)


def test_threads_that_search_while_studies_come_and_go_see_whole_states(stores: Stores) -> None:
    """Whatever they see is one committed state: as many studies as there are at some moment, and no mistake."""
    index, formula = stores.index, Or((is_(DEPARTMENT, "A"), is_(STUDY_UID, "1.2.2")))
    index.ingest(SCOPE, MAIN, [of(0, "A")], SEEN)
    done = threading.Event()
    seen: list[tuple[int, int]] = []
    problems: list[Exception] = []

    def look() -> None:
        try:
            while not done.is_set():
                page = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=1), within(formula))
                seen.append((len(page.matches), page.remaining))
        except Exception as problem:  # noqa: BLE001 - reported below
            problems.append(problem)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        index.ingest(SCOPE, MAIN, [of(1, "A", f"turn {turn}"), of(2, "B", f"turn {turn}")], SEEN)
        index.ingest(SCOPE, MAIN, [of(1, "A"), of(2, "C")], SEEN)
        for number in (1, 2):
            index.remove(SCOPE, MAIN, ResourceKey(f"1.2.{number}"))
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert {matches for matches, _ in seen} == {1}
    assert {remaining for _, remaining in seen} <= {0, 1, 2}


# ------------------------------------------------------------------ parts of series


def _two_parts(index: StudyIndex) -> None:
    items = [
        of(
            1,
            "A",
            sop=f"1.2.1.1.{number}",
            instance_facts={"filters": frozenset({"f1"} if number < 3 else ())},
        )
        for number in range(5)
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)


def test_instances_that_a_filter_tells_apart_are_parts_of_their_series(index: StudyIndex) -> None:
    _two_parts(index)
    study = the_study(index)
    assert sorted((len(part.instances), part.facts["filters"]) for part in study.series) == [
        (2, frozenset()),
        (3, frozenset({"f1"})),
    ]
    assert index.counts(SCOPE, MAIN) == (1, 1, 5)
    for formula, instances in ((SOME, 3), (Not(SOME), 2), (TRUE, 5)):
        (row,) = index.search(SCOPE, MAIN, STUDIES, within(formula)).matches
        assert value(row, "NumberOfStudyRelatedSeries") == [1]
        assert value(row, "NumberOfStudyRelatedInstances") == [instances]
        (row,) = index.search(SCOPE, MAIN, Query(Level.SERIES), within(formula)).matches
        assert value(row, "NumberOfSeriesRelatedInstances") == [instances]
        query = Query(Level.INSTANCE, study_instance_uid="1.2.1")
        rows = found(index, formula, query)
        assert rows == sorted(rows)
        assert len(rows) == instances


def test_an_instance_that_is_asked_again_moves_to_another_part(index: StudyIndex) -> None:
    _two_parts(index)
    for number in range(3):
        again = of(1, "A", sop=f"1.2.1.1.{number}", instance_facts={"filters": frozenset()})
        index.ingest(SCOPE, MAIN, [again], SEEN)
    (part,) = the_study(index).series
    assert len(part.instances) == 5
    assert not found(index, SOME)
    assert index.counts(SCOPE, MAIN) == (1, 1, 5)


def test_an_instance_that_was_not_asked_is_not_known_to_match(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [of(1, "A")], SEEN)
    assert not found(index, SOME)
    assert not found(index, Not(SOME))


def test_the_last_instance_of_a_part_takes_the_part_along(index: StudyIndex) -> None:
    _two_parts(index)
    for number in (3, 4):
        index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", f"1.2.1.1.{number}"))
    assert len(the_study(index).series) == 1
    assert not found(index, Not(SOME))


# ------------------------------------------------------------------ values that rows hold


@pytest.fixture
def referred(index: StudyIndex) -> StudyIndex:
    items = [
        of(
            number,
            "A",
            patient=f"P{number}",
            many=frozenset({"referrer", "date"}),
        )
        for number in range(20)
    ]
    told = [
        Ingested(
            item.summary,
            {
                **item.study_facts,
                "referrer": frozenset({f"DR{number % 5}"} if number else ()),
                "date": frozenset({f"202601{number % 28 + 1:02}"}),
            },
            item.series_facts,
            many=item.many,
        )
        for number, item in enumerate(items)
    ]
    index.ingest(SCOPE, MAIN, told, SEEN)
    return index


def test_an_attribute_of_many_values_makes_no_kind(referred: StudyIndex) -> None:
    kinds = list(referred.kinds(SCOPE, MAIN))
    assert sorted(kind.studies for kind in kinds) == [1, 19], "one has no referrer"
    assert all("date" in kind.open and "date" not in kind.study for kind in kinds)
    assert the_study(referred, "1.2.7").facts["referrer"] == frozenset({"DR2"})
    assert the_study(referred, "1.2.7").facts["date"] == frozenset({"20260108"})


FORMULAS: dict[str, Formula] = {
    "own patients": is_(REFERRER, "DR2"),
    "not theirs": Not(is_(REFERRER, "DR2")),
    "some of theirs": OneOf(REFERRER, frozenset({"DR1", "DR3", "nobody"})),
    "named patients": OneOf(PATIENT_ID, frozenset({"P3", "P4", "P99"})),
    "all but a patient": Not(is_(PATIENT_ID, "P3")),
    "a granted series": is_(SERIES_UID, "1.2.5.1"),
    "a pattern": Like(STUDY_UID, "1.2.1*"),
    "since": Compare(STUDY_DATE, Comparison.GE, "20260110"),
    "on or before, and not theirs": And(
        (Compare(STUDY_DATE, Comparison.LE, "20260110"), Not(is_(REFERRER, "DR2")))
    ),
    "one day or granted": Or((is_(STUDY_DATE, "20260104"), is_(STUDY_UID, "1.2.17"))),
    "not that day": Compare(STUDY_DATE, Comparison.NE, "20260104"),
    "a pattern of dates": Like(STUDY_DATE, "*1"),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_what_rows_hold_is_asked_of_them_with_totals_and_pages(referred: StudyIndex, name: str) -> None:
    formula = FORMULAS[name]
    expected = [
        entry.study_instance_uid
        for entry in sorted(
            referred.every_study(SCOPE, MAIN), key=lambda entry: entry.facts["date"].__repr__()
        )
        if any(within(formula).admits(ResourceFacts(entry.facts, part.facts)) for part in entry.series)
    ][::-1]
    assert 0 < len(expected) < 20
    assert referred.count(SCOPE, MAIN, within(formula)) == len(expected)
    for key in (
        (),
        (MatchKey(("PatientID",), Wildcard("P*")),),
        (MatchKey(("StudyDate",), Range("20260102", None)),),
    ):
        asked = [uid for uid in expected if uid != "1.2.0" or key == () or key[0].keyword == "PatientID"]
        listed = []
        for at in range(0, 24, 3):
            page = referred.search(SCOPE, MAIN, Query(Level.STUDY, key, limit=3, offset=at), within(formula))
            listed += [str(match.key) for match in page.matches]
            assert page.remaining == max(0, len(asked) - at - 3)
        assert listed == asked


def test_what_is_remembered_of_single_rows_is_kept_up_with_them(referred: StudyIndex) -> None:
    formula = Or((is_(REFERRER, "DR2"), is_(STUDY_UID, "1.2.99")))
    before = found(referred, formula)
    referred.remove(SCOPE, MAIN, ResourceKey("1.2.7"))
    referred.ingest(SCOPE, MAIN, [of(99, "B", date="20260301")], SEEN)
    assert found(referred, formula) == ["1.2.99", *(uid for uid in before if uid != "1.2.7")]
    assert referred.count(SCOPE, MAIN, within(formula)) == len(before)


# ------------------------------------------------------------------ order


@pytest.mark.parametrize("worth", [0, plans._SCAN_WORTH, 10_000])
def test_whichever_way_leads_there_the_newest_come_first(
    index: StudyIndex, worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_SCAN_WORTH", worth)
    monkeypatch.setattr(plans, "_FEW", 2)
    items = [
        of(number, "ABCDE"[number * number % 5], date=f"2026{number % 12 + 1:02}01") for number in range(60)
    ]
    index.ingest(SCOPE, MAIN, items, SEEN)
    whole = all_found(index, STUDIES)
    expected = sorted(range(60), key=lambda number: (-(number % 12), number))
    assert whole == [f"1.2.{number}" for number in expected]
    formula = OneOf(DEPARTMENT, frozenset({"A", "E"}))
    some = [uid for uid in whole if "ABCDE"[int(uid[4:]) ** 2 % 5] in "AE"]
    for limit in (1, 7, 100):
        pages = [
            index.search(SCOPE, MAIN, Query(Level.STUDY, limit=limit, offset=at), within(formula))
            for at in range(0, len(some), limit)
        ]
        assert [str(match.key) for page in pages for match in page.matches] == some


def test_a_kind_that_has_most_of_the_page_is_asked_until_it_has_given_all(
    index: StudyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One kind with many new studies, some of them hidden one by one, among kinds with few."""
    monkeypatch.setattr(plans, "_SCAN_WORTH", 0)
    monkeypatch.setattr(plans, "_FIRST", 1)
    monkeypatch.setattr(plans, "_FEW", 3)
    monkeypatch.setattr(plans, "_SOME", 3)
    kinds = ["A" if number % 8 else "BCDEFGH"[number // 8] for number in range(50)]
    days = [f"2026{number // 28 + 1:02}{number % 28 + 1:02}" for number in range(50)]
    studies = zip(range(50), kinds, days, strict=True)
    index.ingest(SCOPE, MAIN, [of(number, kind, date=day) for number, kind, day in studies], SEEN)
    hidden = {f"1.2.{number}" for number in range(40, 50, 3)}
    formula = Not(OneOf(STUDY_UID, frozenset(hidden)))
    expected = [f"1.2.{number}" for number in reversed(range(50)) if f"1.2.{number}" not in hidden]
    for limit in (1, 5, 12, 30, 100):
        page = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=limit), within(formula))
        assert [str(match.key) for match in page.matches] == expected[:limit]
        assert page.remaining == max(0, len(expected) - limit)


@pytest.mark.parametrize("worth", [0, 10_000])
def test_when_the_newest_of_a_kind_is_gone_the_next_takes_its_place(
    index: StudyIndex, worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "_SCAN_WORTH", worth)
    index.ingest(SCOPE, MAIN, [of(number, "AB"[number % 2]) for number in range(12)], SEEN)
    for number in (11, 10, 9):
        index.remove(SCOPE, MAIN, ResourceKey(f"1.2.{number}"))
    page = index.search(SCOPE, MAIN, Query(Level.STUDY, limit=2), within(Not(Contains(LABELS, "VIP"))))
    assert [str(match.key) for match in page.matches] == ["1.2.8", "1.2.7"]
    assert page.remaining == 7


def test_a_study_stands_where_what_is_shown_of_it_puts_it(index: StudyIndex) -> None:
    """A hidden report of next year does not put the images of last year on top."""
    index.ingest(SCOPE, MAIN, [of(2, "A", date="20260601")], SEEN)
    report = instance(
        "1.2.1",
        "1.2.1.2",
        of_study={"StudyDate": "20270101"},
        study_facts=department("A"),
        series_facts={"modality": frozenset({"SR"})},
    )
    index.ingest(SCOPE, MAIN, [of(1, "A", date="20250101"), report], SEEN + timedelta(1))
    assert all_found(index, STUDIES) == ["1.2.1", "1.2.2"]
    assert found(index, CT_ONLY) == ["1.2.2", "1.2.1"]
    since = Query(Level.STUDY, (MatchKey(("StudyDate",), Range("20260101", None)),))
    assert found(index, CT_ONLY, since) == ["1.2.2"]
    assert index.count(SCOPE, MAIN, within(CT_ONLY)) == 2


def test_names_are_found_in_each_of_their_groups(index: StudyIndex) -> None:
    names = ({"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}, {"Alphabetic": "Doe^Jane"})
    items = [instance(f"1.2.{number}", of_study={"PatientName": name}) for number, name in enumerate(names)]
    index.ingest(SCOPE, MAIN, items, SEEN)
    for text, expected in (("山田*", ["1.2.0"]), ("doe*", ["1.2.1"]), ("*a*", ["1.2.0", "1.2.1"])):
        assert all_found(index, Query(Level.STUDY, (MatchKey(("PatientName",), Wildcard(text)),))) == expected
    exactly = MatchKey(("PatientName",), SingleValue("山田^太郎"))
    assert all_found(index, Query(Level.STUDY, (exactly,))) == ["1.2.0"]
