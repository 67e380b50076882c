"""What every store of revisions, epochs and outgoing audit events promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from pacsgate.audit.canonical import decode_event
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import StoredRevision, UserRecord
from pacsgate.ports.candidates import PendingRevision
from pacsgate.stores.stores import Stores
from tests.support.events import READ, numbered
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

OTHER = TenantScope(TenantName("other"))
FIRST = StoredRevision("0123456789ab", {"policy.yaml": "version: 1\n", "b.yaml": "\u5c71: 1"}, SEEN, "ann")
SECOND = replace(FIRST, revision="cdef01234567")


def test_the_live_revision_is_the_one_activated_last(stores: Stores) -> None:
    assert stores.revisions.live(SCOPE) is None
    live = None
    for revision in (FIRST, SECOND, FIRST):
        stores.revisions.activate(SCOPE, revision, READ, live=live, pending=None)
        live = revision.revision
        assert stores.revisions.live(SCOPE) == revision
    assert stores.revisions.history(SCOPE) == (FIRST, SECOND, FIRST)
    assert stores.revisions.history(SCOPE, limit=1) == (FIRST,)
    assert stores.revisions.live(OTHER) is None


def test_an_activation_moves_the_epoch_and_leaves_an_event(stores: Stores) -> None:
    before = stores.epochs.current().policy
    stores.revisions.activate(SCOPE, FIRST, READ, live=None, pending=None)
    assert stores.epochs.current().policy == before + 1
    ((_, event),) = stores.outbox.pending()
    assert decode_event(event) == READ


def test_a_revision_replaces_only_what_its_publisher_knew_of(stores: Stores) -> None:
    stores.revisions.activate(SCOPE, FIRST, READ, live=None, pending=None)
    for live, pending in ((None, None), (SECOND.revision, None), (FIRST.revision, SECOND.revision)):
        before = stores.epochs.current()
        with pytest.raises(ConflictError, match="meanwhile"):
            stores.revisions.activate(SCOPE, SECOND, READ, live=live, pending=pending)
        assert (stores.revisions.live(SCOPE), stores.epochs.current()) == (FIRST, before)
    assert len(stores.outbox.pending()) == 1


def test_what_waits_waits_no_more_when_something_becomes_live(stores: Stores) -> None:
    waits = PendingRevision(SECOND.revision, SECOND.sources, SEEN, "ann", 12, 3)
    stores.candidates.hold(SCOPE, waits, READ)
    stores.revisions.activate(SCOPE, SECOND, READ, live=None, pending=SECOND.revision)
    assert stores.candidates.pending(SCOPE) is None


def test_events_of_all_tenants_leave_in_the_order_of_their_changes(stores: Stores) -> None:
    for number in range(5):
        scope = OTHER if number % 2 else SCOPE
        stores.directory.add_user(scope, UserRecord(f"user{number}", "user"), numbered(number))
    rows = stores.outbox.pending()
    assert [decode_event(event) for _, event in rows] == [numbered(number) for number in range(5)]
    assert stores.outbox.pending(2) == rows[:2]
    stores.outbox.delivered([row for row, _ in rows[:2]])
    assert stores.outbox.pending() == rows[2:]
    stores.outbox.delivered([])
    stores.outbox.delivered([row for row, _ in rows])
    stores.directory.add_user(SCOPE, UserRecord("late", "user"), numbered(9))
    ((row, _),) = stores.outbox.pending()
    assert row not in {row for row, _ in rows}, "a row number is never used again"


def test_a_change_elsewhere_is_in_the_next_answer(stores: Stores, another_process: Stores) -> None:
    for number in range(20):
        before = stores.epochs.current()
        changed, watching = (another_process, stores) if number % 2 else (stores, another_process)
        changed.directory.add_user(SCOPE, UserRecord(f"user{number}", "user"), READ)
        assert watching.epochs.current() == replace(before, users=before.users + 1)
        assert changed.epochs.current() == watching.epochs.current()


def test_who_watches_knows_of_a_change_when_it_has_returned(stores: Stores, another_process: Stores) -> None:
    with stores.epochs.watched(), another_process.epochs.watched():
        for number in range(60):
            changed, watching = (another_process, stores) if number % 2 else (stores, another_process)
            before = watching.epochs.current()
            changed.directory.add_user(SCOPE, UserRecord(f"user{number}", "user"), READ)
            assert watching.epochs.current().users == before.users + 1
            assert changed.epochs.current() == watching.epochs.current()
    stores.directory.add_user(SCOPE, UserRecord("late", "user"), READ)
    assert another_process.epochs.current().users == stores.epochs.current().users == 61


def test_what_is_no_change_of_people_or_policy_moves_no_epoch(stores: Stores) -> None:
    stores.directory.add_user(SCOPE, UserRecord("ann", "user"), READ)
    before = stores.epochs.current()
    stores.directory.note_sign_in(SCOPE, "ann", SEEN)
    stores.directory.note_failure(SCOPE, "ann", 1, READ.at, None)
    stores.index.ingest(SCOPE, MAIN, [instance()], SEEN)
    assert stores.epochs.current() == before


def test_epochs_are_right_whoever_asks_at_once(stores: Stores) -> None:
    def change(number: int) -> bool:
        stores.directory.add_user(SCOPE, UserRecord(f"user{number}", "user"), READ)
        return stores.epochs.current().users > number - 100

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(change, range(40)))
    assert stores.epochs.current().users == 40
    assert len(stores.outbox.pending()) == 40


def test_many_writers_at_once_lose_nothing(stores: Stores, another_process: Stores) -> None:
    def store(number: int) -> None:
        index = (stores, another_process)[number % 2].index
        index.ingest(SCOPE, MAIN, [instance(sop=f"1.2.1.1.{number}"), instance(f"1.2.{number % 3}")], SEEN)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store, range(40)))
    studies, _, instances = stores.index.counts(SCOPE, MAIN)
    assert (studies, instances) == (3, 42)
