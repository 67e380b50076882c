"""Lists in Orthanc's names hold what a check would allow, page by page, whatever the level and the page."""

from collections.abc import Iterator, Mapping

import pytest

from pacsgate.dicom.query import MatchKey, Query, SingleValue
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import DEFAULT_TENANT, Level, ResourceKey
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services import orthanc_walk
from pacsgate.services.orthanc_lists import Listing, OrthancLists
from pacsgate.services.orthanc_walk import Asked
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.search import Search
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
  clerk: {may: [search]}
  blind: {may: [search]}
rules:
  - {id: open, effect: permit, roles: [reader], when: study.department == 'OPEN'}
  - {id: reports, effect: forbid, roles: [reader], when: series.modality == 'SR'}
  - id: clerks
    effect: permit
    roles: [clerk]
    obligations: {mask: {all_but: [StudyDate]}}
"""
LEVELS = tuple(Level)
STUDIES = 60


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with opened(sqlite_url(tmp_path_factory.mktemp("lists"))) as database:
        stores = stores_on(database)
        stores.index.ingest(SCOPE, MAIN, tuple(objects()), SEEN)
        yield stores


def objects() -> Iterator:  # type: ignore[type-arg]
    """Twenty patients of three studies each, some hidden whole, some in part; two of them share every UID."""
    for number in range(STUDIES):
        study = f"1.2.{number // 2 if number < 4 else number + 100}"
        patient = f"P{number % 20}"
        department = "OPEN" if number % 3 and number % 20 < 18 else "SECRET"
        for series, modality in (("1", "CT"), ("2", "SR" if number % 4 == 0 else "MR")):
            for sop in range(1 + number % 3):
                yield instance(
                    study,
                    f"{study}.{series}",
                    f"{study}.{series}.{sop + 1}",
                    patient=patient,
                    of_study={"PatientID": patient, "StudyDate": f"202601{1 + number % 28:02}"},
                    of_series={"Modality": modality},
                    study_facts={"department": frozenset({department})},
                    series_facts={"modality": frozenset({modality})},
                )


def bound(*roles: str) -> Bound:
    subject = Subject(DEFAULT_TENANT, "ann", assignments=tuple(map(Assignment, roles)))
    return bind(load_policy({"p.yaml": POLICY}), subject, Context(START, "r"), MAIN, ())


def checked(stores: Stores, bound: Bound) -> Mapping[Level, frozenset[str]]:
    """The name of everything on which a check would allow a search."""
    found: dict[Level, set[str]] = {level: set() for level in Level}
    for study in stores.index.every_study(SCOPE, MAIN):
        for series in study.series:
            if isinstance(bound.decide(Action.SEARCH, study.facts_of(series)), Allow):
                names = (study.patient_id, study.study_instance_uid, series.series_instance_uid)
                for depth, level in enumerate(LEVELS[:3]):
                    found[level].add(orthanc_id(*names[: depth + 1]))
                found[Level.INSTANCE] |= {
                    orthanc_id(*names, one.sop_instance_uid) for one in series.instances
                }
    return {level: frozenset(names) for level, names in found.items()}


def page(
    stores: Stores, asked: Asked, who: Bound, since: int = 0, limit: int | None = None
) -> tuple[str, ...]:
    listing = OrthancLists(Search(stores.index)).page(SCOPE, MAIN, asked, who, since=since, limit=limit)
    assert isinstance(listing, Listing)
    return tuple(row.orthanc_id for row in listing.rows)


def of(level: Level, *keys: MatchKey, parents: tuple[ResourceKey, ...] | None = None) -> Asked:
    return Asked(level, Query(Level.STUDY, keys), parents)


@pytest.mark.parametrize("role", ["reader", "clerk"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_list_holds_what_a_check_would_allow_and_nothing_twice(
    stores: Stores, level: Level, role: str
) -> None:
    listed = page(stores, of(level), bound(role))
    assert len(listed) == len(set(listed))
    assert set(listed) == checked(stores, bound(role))[level]
    assert (role == "reader") is (len(listed) < len(page(stores, of(level), bound("clerk"))))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", [7, 50])
def test_pages_follow_each_other_without_gap_or_repetition(stores: Stores, level: Level, size: int) -> None:
    whole = page(stores, of(level), bound("reader"))
    paged: list[str] = []
    while some := page(stores, of(level), bound("reader"), len(paged), size):
        paged += some
    assert tuple(paged) == whole
    assert page(stores, of(level), bound("reader"), 0, 0) == ()


@pytest.mark.parametrize("level", LEVELS)
def test_a_count_is_the_length_of_the_list(stores: Stores, level: Level) -> None:
    lists = OrthancLists(Search(stores.index))
    for role in ("reader", "clerk"):
        listed = len(page(stores, of(level), bound(role)))
        assert lists.count(SCOPE, MAIN, of(level), bound(role)) == listed
        counts = lists.counts(SCOPE, MAIN, bound(role))
        assert isinstance(counts, Mapping)
        assert counts[level] == listed


def test_a_key_of_a_lower_level_is_asked_of_each_part(stores: Stores) -> None:
    key = MatchKey(("Modality",), SingleValue("MR"))
    found = page(stores, of(Level.SERIES, key), bound("reader"))
    assert set(found) == {
        orthanc_id(study.patient_id, study.study_instance_uid, series.series_instance_uid)
        for study in stores.index.every_study(SCOPE, MAIN)
        for series in study.series
        if "MR" in series.facts["modality"] and "OPEN" in study.facts["department"]
    }
    assert page(stores, of(Level.SERIES, key), bound("reader"), 5, 3) == found[5:8]


def test_what_is_in_a_parent_is_listed_of_that_parent_alone(stores: Stores) -> None:
    for study in stores.index.every_study(SCOPE, MAIN):
        key = ResourceKey(study.study_instance_uid, patient_id=study.patient_id)
        for level in LEVELS[1:]:
            inside = page(stores, of(level, parents=(key,)), bound("clerk"))
            assert len(inside) == len(set(inside))
            names = (study.patient_id, study.study_instance_uid)
            if level is Level.STUDY:
                assert inside == (orthanc_id(*names),)
            if level is Level.SERIES:
                assert set(inside) == {orthanc_id(*names, one.series_instance_uid) for one in study.series}
        within = ResourceKey(
            study.study_instance_uid, study.series[0].series_instance_uid, patient_id=study.patient_id
        )
        inside = page(stores, of(Level.INSTANCE, parents=(within,)), bound("clerk"))
        assert len(inside) == len(study.series[0].instances)
        assert OrthancLists(Search(stores.index)).count(
            SCOPE, MAIN, of(Level.INSTANCE, parents=(within,)), bound("clerk")
        ) == len(inside)


def test_who_may_never_search_or_asks_by_what_is_masked_is_refused(stores: Stores) -> None:
    lists = OrthancLists(Search(stores.index))
    by_name = MatchKey(("PatientID",), SingleValue("P1"))
    by_modality = MatchKey(("Modality",), SingleValue("CT"))
    for asked, who in (
        (of(Level.STUDY), bound("blind")),
        (of(Level.PATIENT, by_name), bound("clerk")),
        (of(Level.SERIES, by_modality), bound("clerk")),
    ):
        for answer in (lists.page(SCOPE, MAIN, asked, who), lists.count(SCOPE, MAIN, asked, who)):
            assert isinstance(answer, Refusal)
            assert answer.answer is Answer.FORBIDDEN
    assert isinstance(lists.counts(SCOPE, MAIN, bound("blind")), Refusal)


def test_a_page_too_deep_to_walk_to_is_refused_and_not_cut_short(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orthanc_walk, "_MOST_PASSED", 10)
    with pytest.raises(RequestError, match="behind 10 studies"):
        page(stores, of(Level.SERIES), bound("clerk"))
    assert len(page(stores, of(Level.SERIES), bound("clerk"), 0, 8)) == 8
    assert len(page(stores, of(Level.STUDY), bound("clerk"))) == STUDIES
