"""Taking away, filling in, walking over everything, and where a sync stands."""

from datetime import timedelta

from pacsgate.dicom.attributes import tag_of
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    Not,
)
from pacsgate.ports import StudyIndex, UnfinishedSync
from pacsgate.stores.stores import Stores
from tests.contracts.asking import (
    DEPARTMENT,
    department,
    found,
    is_,
    the_study,
)
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

# ------------------------------------------------------------------ taking away


def test_removing_a_study_removes_what_was_known_of_it(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(), instance(series="1.2.1.2"), instance("1.2.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1")) == 2
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1")) == 0
    assert index.studies(SCOPE, MAIN, "1.2.1") == ()
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)


def test_the_last_instance_takes_its_parents_along(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(), instance(series="1.2.1.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.2", "1.2.1.2.1")) == 1
    assert index.counts(SCOPE, MAIN) == (1, 1, 1)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.1")) == 1
    assert index.counts(SCOPE, MAIN) == (0, 0, 0)


def test_nothing_is_removed_under_a_wrong_parent(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.2.1")) == 0
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.2.1.1")) == 0
    assert index.counts(SCOPE, MAIN) == (2, 2, 2)


# ------------------------------------------------------------------ newly declared attributes


def refill(index: StudyIndex, *values: str) -> None:
    for study_uid, series_uid, _ in list(index.headers(SCOPE, MAIN)):
        index.refill(SCOPE, MAIN, study_uid, series_uid, department(*values), {})


def test_every_kept_header_is_offered_once(index: StudyIndex) -> None:
    items = [instance(f"1.2.{number}", header={"InstitutionName": f"H{number}"}) for number in range(250)]
    index.ingest(SCOPE, MAIN, items, SEEN)
    headers = list(index.headers(SCOPE, MAIN))
    assert len({series for _, series, _ in headers}) == len(headers) == 250
    assert {header[tag_of("InstitutionName")]["Value"][0] for *_, header in headers} == {
        f"H{n}" for n in range(250)
    }


def test_a_newly_declared_attribute_permits_once_it_is_filled(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert not found(index, is_(DEPARTMENT, "A"))
    assert not found(index, Not(is_(DEPARTMENT, "A")))
    refill(index, "A")
    assert found(index, is_(DEPARTMENT, "A")) == ["1.2.1"]


def test_filling_in_does_not_hide_that_instances_disagree(index: StudyIndex) -> None:
    items = [instance(study_facts=department("A")), instance(sop="1.2.1.1.2", study_facts=department("B"))]
    index.ingest(SCOPE, MAIN, items, SEEN)
    refill(index, "A")
    assert the_study(index).facts["department"] == frozenset({"A", "B"})


def test_what_cannot_be_told_apart_is_not_filled_in(index: StudyIndex) -> None:
    index.ingest(
        SCOPE, MAIN, [instance(patient="P1"), instance(patient="P2", study_facts=department("A"))], SEEN
    )
    refill(index, "A")
    assert not found(index, is_(DEPARTMENT, "A"))


# ------------------------------------------------------------------ the rest


def test_every_study_is_walked_once(stores: Stores) -> None:
    index = stores.index
    index.ingest(SCOPE, MAIN, [instance(f"1.2.{number}") for number in range(401)], SEEN)
    assert len({study.study_instance_uid for study in index.every_study(SCOPE, MAIN)}) == 401


def test_a_sync_cursor_is_remembered_until_the_sync_is_complete(index: StudyIndex) -> None:
    assert index.unfinished_sync(SCOPE, MAIN) is None
    index.save_sync(SCOPE, MAIN, UnfinishedSync("a", SEEN))
    index.save_sync(SCOPE, MAIN, UnfinishedSync("b", SEEN))
    assert index.unfinished_sync(SCOPE, MAIN) == UnfinishedSync("b", SEEN)
    assert index.unfinished_sync(SCOPE, ArchiveName("research")) is None
    index.save_sync(SCOPE, MAIN, None)
    assert index.unfinished_sync(SCOPE, MAIN) is None


def test_rows_that_were_not_confirmed_lately_are_found_and_removed_by_patient(index: StudyIndex) -> None:
    later = SEEN + timedelta(seconds=1)
    index.ingest(SCOPE, MAIN, [instance("1.2.1", patient="OLD"), instance("1.2.2")], SEEN)
    index.ingest(SCOPE, MAIN, [instance("1.2.1", patient="NEW")], later)
    assert set(index.observed_before(SCOPE, MAIN, later)) == {"1.2.1", "1.2.2"}
    assert not set(index.observed_before(SCOPE, MAIN, SEEN))
    index.remove_unobserved(SCOPE, MAIN, "1.2.1", later)
    assert [study.patient_id for study in index.studies(SCOPE, MAIN, "1.2.1")] == ["NEW"]
    assert set(index.observed_before(SCOPE, MAIN, later)) == {"1.2.2"}


def test_a_series_decides_with_its_own_facts(index: StudyIndex) -> None:
    index.ingest(SCOPE, MAIN, [instance(series_facts={"modality": frozenset({"CT"})})], SEEN)
    study = the_study(index)
    assert study.facts_of(study.series[0]) == ResourceFacts(study.facts, study.series[0].facts)
