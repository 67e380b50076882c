"""What the index finds under Orthanc's identifiers, and where feeds stand, on each database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import StudyIndex
from pacsgate.ports.feeds import Anchor, FeedState
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.orthanc_names import names_in
from pacsgate.stores.archive_schema import orthanc_name
from pacsgate.stores.database import Database
from pacsgate.stores.stores import Stores, stores_on
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

OTHER = ArchiveName("other")
BOTH = (
    instance("1.2.1", "1.2.1.1", "1.2.1.1.1"),
    instance("1.2.1", "1.2.1.1", "1.2.1.1.2"),
    instance("1.2.1", "1.2.1.2", "1.2.1.2.1"),
    instance("1.2.2", patient="P1"),
    instance("1.2.1", patient="P2"),
)


@pytest.fixture
def index(database: Database) -> StudyIndex:
    filled = stores_on(database, {MAIN}).index
    filled.ingest(SCOPE, MAIN, BOTH, SEEN)
    return filled


def rows(database: Database) -> int:
    with database.reading(ANY_TENANT) as connection:
        return int(connection.execute(select(func.count()).select_from(orthanc_name)).scalar_one())


def found(index: StudyIndex, *names: str, archive: ArchiveName = MAIN) -> set[tuple[str, str]]:
    studies = index.with_orthanc_id(SCOPE, archive, orthanc_id(*names))
    return {(study.patient_id, study.study_instance_uid) for study in studies}


def test_a_study_is_found_by_the_name_of_anything_in_it(index: StudyIndex) -> None:
    for study in index.every_study(SCOPE, MAIN):
        for named in names_in(study):
            assert index.with_orthanc_id(SCOPE, MAIN, named.orthanc_id) == (study,)


def test_a_patient_is_all_of_its_studies(index: StudyIndex) -> None:
    assert found(index, "P1") == {("P1", "1.2.1"), ("P1", "1.2.2")}
    assert found(index, "P2") == {("P2", "1.2.1")}


def test_one_uid_under_two_patients_has_two_names(index: StudyIndex) -> None:
    assert found(index, "P1", "1.2.1") == {("P1", "1.2.1")}
    assert found(index, "P2", "1.2.1") == {("P2", "1.2.1")}


def test_a_name_that_nobody_has_finds_nothing(index: StudyIndex) -> None:
    assert found(index, "P3") == set()
    assert found(index, "P1", archive=OTHER) == set()


def test_an_archive_of_another_kind_has_no_names(database: Database, index: StudyIndex) -> None:
    before = rows(database)
    index.ingest(SCOPE, OTHER, BOTH, SEEN)
    assert rows(database) == before
    assert found(index, "P1", archive=OTHER) == set()


def test_what_is_removed_leaves_no_name_behind(database: Database, index: StudyIndex) -> None:
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.1", "P1"))
    assert found(index, "P1", "1.2.1", "1.2.1.1", "1.2.1.1.1") == set()
    assert found(index, "P1", "1.2.1", "1.2.1.1") == {("P1", "1.2.1")}
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1", "1.2.1.1", "1.2.1.1.2", "P1"))
    assert found(index, "P1", "1.2.1", "1.2.1.1") == set()
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1", patient_id="P1"))
    assert found(index, "P1") == {("P1", "1.2.2")}
    index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    index.remove_unobserved(SCOPE, MAIN, "1.2.2", SEEN + timedelta(seconds=1))
    assert rows(database) == 0


def test_a_key_with_a_patient_removes_nothing_of_another(index: StudyIndex) -> None:
    assert index.remove(SCOPE, MAIN, ResourceKey("1.2.1", patient_id="P2")) == 1
    assert [study.patient_id for study in index.studies(SCOPE, MAIN, "1.2.1")] == ["P1"]


def test_taking_the_same_instances_twice_writes_their_names_once(
    database: Database, index: StudyIndex
) -> None:
    before = rows(database)
    index.ingest(SCOPE, MAIN, BOTH, SEEN)
    assert rows(database) == before == 7 + 4 + 4


def test_every_process_reads_where_a_feed_stands(stores: Stores, another_process: Stores) -> None:
    assert another_process.feeds.read(SCOPE, MAIN) is None
    state = FeedState(7, (Anchor(7, "NewPatient"), Anchor(1, "")), crawled=False, current_at=None)
    stores.feeds.save(SCOPE, MAIN, state)
    assert another_process.feeds.read(SCOPE, MAIN) == state
    later = replace(state, cursor=2**40, anchors=(), crawled=True, current_at=SEEN, settled=(0, 1, -2))
    stores.feeds.save(SCOPE, MAIN, later)
    assert another_process.feeds.read(SCOPE, MAIN) == later
    assert another_process.feeds.read(SCOPE, OTHER) is None


def test_a_roll_call_tells_who_is_missing_on_either_side(index: StudyIndex) -> None:
    call = index.roll_call(SCOPE, MAIN)
    strangers = (orthanc_id("P9", "1.2.9"), orthanc_id("P8", "1.2.8"))
    assert call.present([orthanc_id("P1", "1.2.1"), strangers[0]]) == strangers[:1]
    assert call.present([orthanc_id("P2", "1.2.1"), strangers[1]]) == strangers[1:]
    assert list(call.absent()) == ["1.2.2"]


def test_a_study_that_came_during_a_roll_call_is_not_missing(index: StudyIndex) -> None:
    call = index.roll_call(SCOPE, MAIN)
    index.ingest(SCOPE, MAIN, [instance("1.2.7", patient="P7")], SEEN)
    assert set(call.absent()) == {"1.2.1", "1.2.2"}


def test_a_roll_call_of_one_archive_says_nothing_of_another(database: Database) -> None:
    both = stores_on(database, {MAIN, OTHER}).index
    both.ingest(SCOPE, MAIN, BOTH, SEEN)
    both.ingest(SCOPE, OTHER, [instance("1.2.5", patient="P5")], SEEN)
    call = both.roll_call(SCOPE, MAIN)
    assert call.present([orthanc_id("P5", "1.2.5")]) == (orthanc_id("P5", "1.2.5"),)
    assert "1.2.5" not in call.absent()
