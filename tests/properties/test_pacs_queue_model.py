"""The queue against a model of it: whatever is asked, taken, answered, lost, barred and revived, in any order.

The model is a list in memory that knows the rules in other words.  Nothing is lost, nothing is handed to two at
once, what one person's entity is to go through happens in order, and what cannot be recorded did not happen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pacsgate.model.errors import ConflictError, RecordError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import MessageState
from pacsgate.services.pacs_queue.course import queued_again
from pacsgate.stores.database import Database
from tests.support.clocks import HandClock
from tests.support.databases import cluster, opened, sqlite_url
from tests.support.queue_desk import AGENT, DOORS, RULES, Desk

QUEUED, LEASED = MessageState.QUEUED, MessageState.LEASED
ANSWERED, FAILED, EXPIRED = MessageState.ANSWERED, MessageState.FAILED, MessageState.EXPIRED
PAUSES = {1: timedelta(seconds=2), 2: timedelta(seconds=4)}

_tenants = count(1)


@dataclass
class Expected:
    message_id: str
    person: str
    who: str
    due: datetime
    expires: datetime
    state: MessageState = QUEUED
    attempts: int = 0
    token: str = ""
    until: datetime | None = None
    status: int | None = None
    ended: datetime | None = None

    def end(self, state: MessageState, status: int, now: datetime) -> None:
        self.state, self.status, self.ended, self.token = state, status, now, ""

    def try_again(self, status: int, now: datetime) -> None:
        if self.attempts == 3:
            self.end(FAILED, status, now)
        else:
            self.state, self.token, self.due = QUEUED, "", now + PAUSES[self.attempts]


class QueueMachine(RuleBasedStateMachine):
    """One PACS of a tenant of its own, and one agent."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        scope = TenantScope(TenantName(f"t{next(_tenants)}"))
        self.desk = Desk(self.database, scope)
        self.clock: HandClock = self.desk.clock
        self.expected: list[Expected] = []
        self.names: dict[tuple[str, str], Expected] = {}
        self.leases: list[tuple[str, str]] = []
        """Whatever the agent was ever given."""

    def teardown(self) -> None:
        self.desk.trail.broken = False
        self.desk.give_up.all_of(self.desk.scope, DOORS, "the test is over")

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # ------------------------------------------------------------------ what may happen

    @rule(
        person=st.sampled_from(["a", "b", "c"]),
        who=st.sampled_from(["clerk", "nurse"]),
        name=st.sampled_from([None, None, "k1", "k2"]),
    )
    def submit(self, person: str, who: str, name: str | None) -> None:
        earlier = None if name is None else self.names.get((who, name))
        if earlier is not None and earlier.person != person:
            with pytest.raises(ConflictError):
                self.desk.asked(who, person, name)
            return
        message_id = self.desk.asked(who, person, name)
        if earlier is not None:
            assert message_id == earlier.message_id
            return
        new = Expected(message_id, person, who, self.now, self.now + timedelta(hours=1))
        self.expected.append(new)
        if name is not None:
            self.names[who, name] = new

    @rule()
    def take(self) -> None:
        expected = self._next()
        found = self.desk.taken()
        assert (found and found.command.message_id) == (expected and expected.message_id)
        if found is not None and expected is not None:
            assert found.lease is not None
            expected.token = found.lease.token
            self.leases.append((expected.message_id, expected.token))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), status=st.sampled_from([200, 204, 404, 409, 501, 500, 503]))
    def answer(self, data: st.DataObject, status: int) -> None:
        message_id, token = data.draw(st.sampled_from(self.leases))
        expected = self._of(message_id)
        if expected is None:
            return
        if expected.state is not LEASED or expected.token != token:
            with pytest.raises(ConflictError):
                self.desk.hand_over.answer(self.desk.scope, DOORS, AGENT, message_id, token, Outcome(status))
            return
        self.desk.hand_over.answer(self.desk.scope, DOORS, AGENT, message_id, token, Outcome(status))
        if status in {500, 503}:
            expected.try_again(status, self.now)
        else:
            expected.end(ANSWERED, status, self.now)

    @rule(seconds=st.sampled_from([1, 3, 31, 600, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule(minutes=st.sampled_from([1, 20]))
    def the_clock_goes_back(self, minutes: int) -> None:
        self.clock.set_back(minutes=minutes)

    @rule(who=st.sampled_from(["clerk", "nurse"]))
    def bar_or_not(self, who: str) -> None:
        self.desk.barred ^= {who}

    @rule()
    def tend(self) -> None:
        self.desk.overdue.of_all()
        self.desk.overdue.forget()
        self._end_overdue()
        gone = {
            each.message_id for each in self.expected if each.ended and each.ended < self.now - RULES.kept
        }
        self.expected = [each for each in self.expected if each.message_id not in gone]
        self.names = {name: each for name, each in self.names.items() if each.message_id not in gone}

    @precondition(lambda self: any(each.state in {FAILED, EXPIRED} for each in self.expected))
    @rule(data=st.data())
    def queue_again(self, data: st.DataObject) -> None:
        dead = data.draw(st.sampled_from([each for each in self.expected if each.state in {FAILED, EXPIRED}]))
        before = self.desk.message(dead.message_id)
        again = queued_again(before, self.now, RULES)
        assert self.desk.queue.change(before, again, lambda _message: None)
        dead.state, dead.attempts, dead.status, dead.ended = QUEUED, 0, None, None
        dead.due, dead.expires = self.now, self.now + timedelta(hours=1)

    @rule(operation=st.sampled_from(["submit", "take", "tend"]))
    def nothing_can_be_recorded(self, operation: str) -> None:
        self.desk.trail.broken = True
        try:
            match operation:
                case "submit":
                    with pytest.raises(RecordError):
                        self.desk.asked()
                case "take" if self._would_change():
                    with pytest.raises(RecordError):
                        self.desk.taken()
                case _:
                    return
        finally:
            self.desk.trail.broken = False

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def nothing_is_lost_and_nothing_is_doubled(self) -> None:
        for each in self.expected:
            found = self.desk.message(each.message_id)
            assert (found.state, found.command.attempt) == (each.state, each.attempts)
            assert (found.outcome and found.outcome.status) == each.status or found.outcome is None

    @invariant()
    def one_at_a_time_is_under_way_for_a_person(self) -> None:
        leased = [each.person for each in self.expected if each.state is LEASED]
        assert len(leased) == len(set(leased))

    @invariant()
    def the_look_tells_where_there_is_something(self) -> None:
        place = (self.desk.scope.tenant, DOORS)
        for places in (None, [place]):
            look = self.desk.queue.look((), self.now, RULES.furthest(self.now), places)
            assert (place in look.fetchable) == self._would_change()

    # ------------------------------------------------------------------ the model

    def _of(self, message_id: str) -> Expected | None:
        return next((each for each in self.expected if each.message_id == message_id), None)

    def _end_overdue(self) -> None:
        for each in self.expected:
            furthest = self.now + timedelta(minutes=5, seconds=30)
            if each.state is LEASED and each.until is not None and not self.now < each.until <= furthest:
                each.try_again(504, self.now)
            elif each.state is QUEUED and each.expires <= self.now:
                each.end(EXPIRED, 504, self.now)
            elif each.state is QUEUED and each.due > furthest:
                each.due = self.now

    def _may_go(self, one: Expected) -> bool:
        others = [each for each in self.expected if each.person == one.person and each is not one]
        before = self.expected[: self.expected.index(one)]
        held_up = any(each.state is LEASED for each in others) or any(
            each.state is QUEUED for each in before if each.person == one.person
        )
        return one.state is QUEUED and one.due <= self.now and not held_up

    def _would_change(self) -> bool:
        furthest = timedelta(minutes=5, seconds=30)
        overdue = any(
            (
                each.state is LEASED
                and each.until is not None
                and not self.now < each.until <= self.now + furthest
            )
            or (each.state is QUEUED and (each.expires <= self.now or each.due > self.now + furthest))
            for each in self.expected
        )
        return overdue or any(self._may_go(each) for each in self.expected)

    def _next(self) -> Expected | None:
        self._end_overdue()
        while True:
            found = next((each for each in self.expected if self._may_go(each)), None)
            if found is None:
                return None
            found.attempts += 1
            if found.who not in self.desk.barred:
                found.state, found.until = LEASED, self.now + timedelta(seconds=30)
                return found
            found.end(FAILED, 403, self.now)


@contextmanager
def _database(flavour: str, directory: Path) -> Iterator[Database]:
    if flavour == "sqlite":
        with opened(sqlite_url(directory)) as database:
            yield database
    else:
        with cluster() as started, opened(started.url()) as database:
            yield database


@pytest.mark.parametrize(
    "flavour",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.server("postgresql"), pytest.mark.long])],
)
def test_the_queue_is_what_the_model_says(
    flavour: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_long = request.config.getoption("markexpr").startswith("long")
    with _database(flavour, tmp_path) as database:
        machine = type("Machine", (QueueMachine,), {"database": database})
        run_state_machine_as_test(  # type: ignore[no-untyped-call]  # hypothesis' own
            machine,
            settings=settings(
                max_examples=60 if is_long else 8,
                stateful_step_count=50 if is_long else 30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
