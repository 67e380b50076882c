"""Labels and collections that a study takes over from those it was made from, on each database."""

import pytest
from sqlalchemy import func, select

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.ports import StudyIndex
from pacsgate.stores.database import Database
from pacsgate.stores.schema import outbox
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

EVENT = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, SEEN, Actor("test", verified=True))


@pytest.fixture
def labelled(index: StudyIndex) -> StudyIndex:
    """`1.2.1` has a label and a collection, `1.2.2` another label."""
    index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    one = {"labels": frozenset({"VIP"}), "collections": frozenset({"TEACH"})}
    index.set_labels(SCOPE, MAIN, "1.2.1", **one, event=EVENT)
    index.set_labels(SCOPE, MAIN, "1.2.2", labels=frozenset({"STAFF"}), event=EVENT)
    return index


def facts(index: StudyIndex, uid: str) -> tuple[object, object]:
    (study,) = index.studies(SCOPE, MAIN, uid)
    return study.facts["labels"], study.facts["collections"]


def events(database: Database) -> int:
    with database.reading(ANY_TENANT) as connection:
        return int(connection.execute(select(func.count()).select_from(outbox)).scalar_one())


def test_a_study_that_is_not_there_yet_comes_with_the_labels_of_its_sources(labelled: StudyIndex) -> None:
    assert labelled.copy_labels(SCOPE, MAIN, {"1.2.1", "1.2.2"}, "1.2.3", EVENT)
    assert labelled.studies(SCOPE, MAIN, "1.2.3") == ()
    labelled.ingest(SCOPE, MAIN, [instance("1.2.3")], SEEN)
    assert facts(labelled, "1.2.3") == ({"VIP", "STAFF"}, {"TEACH"})


def test_a_study_that_is_there_keeps_its_own_and_is_decided_by_both_at_once(labelled: StudyIndex) -> None:
    assert labelled.copy_labels(SCOPE, MAIN, {"1.2.1"}, "1.2.2", EVENT)
    assert facts(labelled, "1.2.2") == ({"VIP", "STAFF"}, {"TEACH"})
    assert facts(labelled, "1.2.1") == ({"VIP"}, {"TEACH"})


def test_a_source_that_has_left_the_index_still_has_its_labels(labelled: StudyIndex) -> None:
    labelled.remove_unobserved(SCOPE, MAIN, "1.2.1", SEEN.replace(year=2100))
    assert labelled.copy_labels(SCOPE, MAIN, {"1.2.1"}, "1.2.2", EVENT)
    assert facts(labelled, "1.2.2") == ({"VIP", "STAFF"}, {"TEACH"})


def test_what_changes_is_an_event_and_what_does_not_is_none(database: Database, labelled: StudyIndex) -> None:
    before = events(database)
    assert not labelled.copy_labels(SCOPE, MAIN, {"1.2.9"}, "1.2.2", EVENT)
    assert labelled.copy_labels(SCOPE, MAIN, {"1.2.1"}, "1.2.2", EVENT)
    assert not labelled.copy_labels(SCOPE, MAIN, {"1.2.1"}, "1.2.2", EVENT)
    assert events(database) == before + 1
