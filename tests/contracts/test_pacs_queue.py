"""What every queue promises."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

import pytest

from pacsgate.model.errors import ConflictError, RecordError, TooSoonError
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.pacs_adapters import Command, Outcome
from pacsgate.ports.pacs_queue import AgentSighting, Lease, Look, Message, MessageState, Once, PacsQueue
from pacsgate.stores.database import Database
from pacsgate.stores.pacs_queue.bell import open_bell
from pacsgate.stores.pacs_queue.queue import SqlPacsQueue
from tests.support.databases import Cluster, opened, sqlite_url
from tests.support.indexing import SEEN

DOORS = ArchiveName("doors")
LATER = SEEN + timedelta(hours=1)
FURTHEST = SEEN + timedelta(days=365)
LEASE = Lease("agent", "token", LATER)
_numbers = count(1)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql"))]
)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: each is a tenant of its own."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("queue"))
    else:
        server: Cluster = request.getfixturevalue("postgresql")
        url = server.url()
    with opened(url) as database:
        yield database


@dataclass(frozen=True)
class Queues:
    """A queue, and two tenants that nobody else knows."""

    queue: PacsQueue
    scope: TenantScope
    other: TenantScope

    def message(
        self, entity: str = "identity/anna", *, scope: TenantScope | None = None, pacs: ArchiveName = DOORS
    ) -> Message:
        command = Command(
            message_id=f"m{next(_numbers)}",
            operation="IdentityUpdate",
            tenant=(scope or self.scope).tenant,
            pacs=pacs,
            ids={"identity": "anna"},
            body={"name": "Anna \u5c71", "deep": [1, 2.5, None, {"a": True}]},
            requested_by="clerk",
            requested_at=SEEN,
            expires_at=SEEN + timedelta(days=1),
            attempt=0,
            parameters={"limit": "3"},
        )
        return Message(command, entity, MessageState.QUEUED, SEEN)

    def added(self, *new: Message) -> list[str]:
        for each in new:
            self.queue.add(each.scope, each, None, most=100, record=unrecorded)
        return [each.command.message_id for each in new]

    def leased(self, scope: TenantScope | None = None) -> Message | None:
        return self.queue.lease(scope or self.scope, DOORS, LEASE, SEEN, unrecorded)

    def found(self, message_id: str, scope: TenantScope | None = None) -> Message | None:
        return self.queue.message(scope or self.scope, DOORS, message_id)


@pytest.fixture
def q(database: Database) -> Queues:
    scope, other = (TenantScope(TenantName(f"t{next(_numbers)}")) for _ in range(2))
    return Queues(SqlPacsQueue(database), scope, other)


def id_of(found: Message | None) -> str | None:
    return None if found is None else found.command.message_id


def unrecorded(_message: Message) -> None:
    """Nobody asks."""


def unrecordable(_message: Message) -> None:
    raise RecordError("the trail cannot be written")


def ended(before: Message) -> Message:
    return replace(
        before,
        state=MessageState.ANSWERED,
        lease=None,
        outcome=Outcome(200, {"said": "\u5c71"}),
        ended_at=SEEN,
        readable_until=LATER,
    )


def test_a_message_comes_back_as_it_was(q: Queues) -> None:
    new = q.message()
    q.added(new)
    assert q.found(new.command.message_id) == new
    found = q.leased()
    assert found is not None
    assert (found.command, found.lease) == (replace(new.command, attempt=1), LEASE)
    assert q.queue.change(found, ended(found), unrecorded)
    kept = q.found(new.command.message_id)
    assert kept is not None
    assert (kept.outcome, kept.ended_at, kept.readable_until) == (
        Outcome(200, {"said": "\u5c71"}),
        SEEN,
        LATER,
    )


def test_messages_about_one_thing_go_out_one_at_a_time_in_the_order_in_which_they_came(
    q: Queues,
) -> None:
    first, second, third = (q.message() for _ in range(3))
    q.added(first, second, third)
    for each in (first, second, third):
        found = q.leased()
        assert id_of(found) == each.command.message_id
        assert q.leased() is None
        assert found is not None
        assert q.queue.change(found, ended(found), unrecorded)
    assert q.leased() is None


def test_messages_about_different_things_do_not_wait_for_each_other(q: Queues) -> None:
    ids = q.added(q.message("identity/a"), q.message("identity/a"), q.message("identity/b"))
    assert {id_of(q.leased()), id_of(q.leased())} == {ids[0], ids[2]}
    assert q.leased() is None


def test_one_that_rests_holds_up_those_that_came_after_it(q: Queues) -> None:
    first = q.message()
    q.added(first, q.message())
    found = q.leased()
    assert found is not None
    assert q.queue.change(found, replace(found, state=MessageState.QUEUED, lease=None, due=LATER), unrecorded)
    assert q.leased() is None
    next_due = q.queue.look((), SEEN, FURTHEST).next_due
    assert next_due is not None
    assert next_due <= LATER
    again = q.queue.lease(q.scope, DOORS, LEASE, LATER, unrecorded)
    assert id_of(again) == first.command.message_id


def test_a_pacs_of_the_same_name_in_another_tenant_has_nothing_in_common(q: Queues) -> None:
    new = q.message()
    q.added(new)
    assert q.leased(q.other) is None
    assert q.found(new.command.message_id, q.other) is None
    assert q.queue.pending(q.other, DOORS) == ()
    assert q.queue.depth(q.other, DOORS).queued == 0


def test_a_change_that_was_decided_on_an_older_state_does_nothing(q: Queues) -> None:
    q.added(q.message())
    found = q.leased()
    assert found is not None
    assert q.queue.change(found, ended(found), unrecorded)
    assert not q.queue.change(found, replace(ended(found), outcome=Outcome(500)), unrecorded)
    kept = q.found(found.command.message_id)
    assert kept is not None
    assert kept.outcome == Outcome(200, {"said": "\u5c71"})


def test_what_cannot_be_recorded_does_not_happen(q: Queues) -> None:
    new = q.message()
    with pytest.raises(RecordError):
        q.queue.add(q.scope, new, None, most=100, record=unrecordable)
    assert q.found(new.command.message_id) is None
    q.added(new)
    with pytest.raises(RecordError):
        q.queue.lease(q.scope, DOORS, LEASE, SEEN, unrecordable)
    found = q.leased()
    assert found is not None
    assert found.command.attempt == 1
    with pytest.raises(RecordError):
        q.queue.change(found, ended(found), unrecordable)
    assert q.queue.pending(q.scope, DOORS)[0].state is MessageState.LEASED


def test_the_same_request_under_the_same_name_is_the_same_message(q: Queues) -> None:
    once = Once("k", b"fingerprint")
    first = q.queue.add(q.scope, q.message(), once, most=100, record=unrecorded)
    again = q.queue.add(q.scope, q.message(), once, most=100, record=unrecordable)
    assert id_of(again) == id_of(first)
    with pytest.raises(ConflictError, match="another request"):
        q.queue.add(q.scope, q.message(), Once("k", b"something else"), most=100, record=unrecorded)
    somebody_else = q.message()
    somebody_else = replace(somebody_else, command=replace(somebody_else.command, requested_by="other"))
    assert q.queue.add(q.scope, somebody_else, once, most=100, record=unrecorded) == somebody_else
    elsewhere = q.message(scope=q.other)
    assert q.queue.add(q.other, elsewhere, once, most=100, record=unrecorded) == elsewhere


def test_one_name_at_two_pacses_at_once_is_one_message(q: Queues) -> None:
    """Which of them it is, nobody can say."""
    kept: list[str] = []
    refused: list[ConflictError] = []
    begin = threading.Barrier(4)

    def submit(pacs: str) -> None:
        new = q.message(pacs=ArchiveName(pacs))
        begin.wait()
        try:
            found = q.queue.add(q.scope, new, Once("k", pacs.encode()), most=100, record=unrecorded)
            kept.append(found.command.message_id)
        except ConflictError as conflict:
            refused.append(conflict)

    threads = [threading.Thread(target=submit, args=(pacs,)) for pacs in ("a", "b", "a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(kept), len(set(kept)), len(refused)) == (2, 1, 2)


def test_no_more_than_so_many_wait_for_a_pacs(q: Queues) -> None:
    for _ in range(2):
        q.queue.add(q.scope, q.message(), None, most=2, record=unrecorded)
    with pytest.raises(TooSoonError, match="2 requests wait"):
        q.queue.add(q.scope, q.message(), None, most=2, record=unrecorded)
    found = q.leased()
    assert found is not None
    q.queue.change(found, ended(found), unrecorded)
    q.queue.add(q.scope, q.message(), None, most=2, record=unrecorded)


def test_no_two_take_the_same_message_at_once(q: Queues) -> None:
    q.added(*(q.message(f"identity/{number % 3}") for number in range(30)))
    taken: list[str] = []
    under_way: set[str] = set()
    turn = threading.Lock()

    def work() -> None:
        for _ in range(100):
            found = q.leased()
            if found is None:
                if q.queue.depth(q.scope, DOORS).queued == 0:
                    return
                continue
            with turn:
                assert found.entity not in under_way
                under_way.add(found.entity)
                taken.append(found.command.message_id)
            with turn:
                under_way.discard(found.entity)
            assert q.queue.change(found, ended(found), unrecorded)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 30


def test_what_is_overdue_is_found(q: Queues) -> None:
    first, second, elsewhere = q.message(), q.message("identity/b"), q.message(scope=q.other)
    q.added(first, second, elsewhere)
    q.leased()
    here, there = (q.scope.tenant, DOORS), (q.other.tenant, DOORS)
    assert q.queue.overdue(SEEN, FURTHEST, here) == ()
    assert [id_of(each) for each in q.queue.overdue(LATER, FURTHEST, here)] == [first.command.message_id]
    assert q.queue.overdue(LATER, FURTHEST, there) == ()
    end = SEEN + timedelta(days=1)
    everywhere = {id_of(each) for each in q.queue.overdue(end, FURTHEST)}
    assert everywhere >= {each.command.message_id for each in (first, second, elsewhere)}


def test_whoever_waits_is_told_where_there_is_something_and_which_results_are_there(q: Queues) -> None:
    first, second = q.message(), q.message(scope=q.other)
    ids = q.added(first, second)
    assert q.queue.look(ids, SEEN, FURTHEST).fetchable >= {(q.scope.tenant, DOORS), (q.other.tenant, DOORS)}
    found = q.leased()
    assert found is not None
    there = q.queue.look(ids, SEEN, FURTHEST).fetchable
    assert (q.scope.tenant, DOORS) not in there
    assert (q.other.tenant, DOORS) in there
    q.queue.change(found, ended(found), unrecorded)
    assert q.queue.look(ids, SEEN, FURTHEST).final == {ids[0]}
    assert q.queue.look([ids[1]], SEEN, FURTHEST).final == frozenset()
    assert q.queue.look([f"none{number}" for number in range(200)] + ids, SEEN, FURTHEST).final == {ids[0]}


def test_dead_letters_are_listed_and_counted(q: Queues) -> None:
    ids = q.added(q.message("identity/a"), q.message("identity/b"), q.message("identity/c"))
    for state in (MessageState.FAILED, MessageState.EXPIRED):
        found = q.leased()
        assert found is not None
        q.queue.change(found, replace(ended(found), state=state), unrecorded)
    assert {id_of(each) for each in q.queue.dead(q.scope, DOORS)} == set(ids[:2])
    depth = q.queue.depth(q.scope, DOORS)
    assert (depth.queued, depth.leased, depth.dead, depth.oldest) == (1, 0, 2, SEEN)


def test_contents_are_forgotten_before_the_message_is(q: Queues) -> None:
    (message_id,) = q.added(q.message())
    found = q.leased()
    assert found is not None
    q.queue.change(found, ended(found), unrecorded)
    q.queue.forget(unreadable=SEEN, ended_before=SEEN)
    kept = q.found(message_id)
    assert kept is not None
    assert kept.outcome is not None
    q.queue.forget(unreadable=LATER, ended_before=SEEN)
    kept = q.found(message_id)
    assert kept is not None
    assert (kept.outcome, kept.command.body, kept.command.ids) == (None, None, {})
    q.queue.forget(unreadable=LATER, ended_before=LATER)
    assert q.found(message_id) is None


def test_agents_are_remembered_by_when_they_were_last_seen(q: Queues) -> None:
    early, late = (AgentSighting(q.scope.tenant, DOORS, name, SEEN) for name in ("a", "b"))
    q.queue.note_agents([early, late])
    q.queue.note_agents([replace(late, at=LATER)])
    assert q.queue.agents(q.scope, DOORS) == (replace(late, at=LATER), early)
    assert q.queue.agents(q.other, DOORS) == ()


def test_values_that_no_database_takes_are_no_message_and_no_error(q: Queues) -> None:
    assert q.found("\0") is None
    assert q.queue.message(q.scope, ArchiveName("\0"), "m") is None


@pytest.fixture
def rung(database: Database, q: Queues) -> Iterator[list[float]]:
    """When a bell of this database has rung, for whatever others change."""
    bell, heard, stop = open_bell(database, q.queue.sender), list[float](), threading.Event()

    def listen() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            bell.wait(5)
            if time.monotonic() - begun < 4:
                heard.append(time.monotonic())

    listener = threading.Thread(target=listen)
    listener.start()
    time.sleep(0.3)  # PostgreSQL is asked once before it tells
    heard.clear()
    yield heard
    stop.set()
    bell.ring()
    listener.join()


def test_the_bell_rings_for_what_another_process_has_done(
    rung: list[float], q: Queues, database: Database
) -> None:
    begun = time.monotonic()
    with opened(database.engine.url.render_as_string(hide_password=False)) as another:
        replace(q, queue=SqlPacsQueue(another)).added(q.message())
    while not rung and time.monotonic() - begun < 5:
        time.sleep(0.01)
    assert rung
    assert rung[0] - begun < 1


def test_what_this_process_changes_is_told_without_a_bell(q: Queues) -> None:
    first, second, other = q.message(), q.message(), q.message("identity/b")
    told: list[Look] = []
    q.queue.tell(told.append)
    q.added(first, second, other)
    place = frozenset({(q.scope.tenant, DOORS)})
    assert told == [Look(place, frozenset(), None)] * 3

    answered = _ended(q, first)
    assert told[3:] == [Look(place, frozenset({id_of(answered)}), None)], "the second is free now"
    answered = _ended(q, second)
    assert told[4:] == [Look(frozenset(), frozenset({id_of(answered)}), None)], "nothing was held up by it"
    resting = replace(other, due=LATER)
    assert q.queue.change(other, resting, unrecorded)
    assert told[5:] == [Look(frozenset(), frozenset(), LATER)]
    assert not q.queue.change(other, resting, unrecorded)
    assert len(told) == 6


def test_the_queue_looks_the_same_whether_one_place_is_asked_about_or_many(q: Queues) -> None:
    q.added(q.message(), q.message(scope=q.other))
    place, empty = (q.scope.tenant, DOORS), (q.scope.tenant, ArchiveName("empty"))
    many = [place, empty, *((q.scope.tenant, ArchiveName(f"p{number}")) for number in range(200))]
    for asked in ([place, empty], many, None):
        fetchable = q.queue.look((), SEEN, FURTHEST, asked).fetchable
        assert place in fetchable
        assert empty not in fetchable


def _ended(q: Queues, message: Message) -> Message:
    leased = q.leased()
    assert leased is not None
    assert id_of(leased) == id_of(message)
    ended = replace(
        leased, state=MessageState.ANSWERED, lease=None, outcome=Outcome(200, None), ended_at=SEEN
    )
    assert q.queue.change(leased, ended, unrecorded)
    return ended
