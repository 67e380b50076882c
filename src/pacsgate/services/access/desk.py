"""The desk of one kind of PACS: carries out operations on identities, visits, credentials and access units.

The same rules hold at the gate, for its own archives, and on site, where an agent runs a desk on a database
of its own.  What they mean there is the business of `Effects`.

Called by whoever carries out commands (`ports.pacs_adapters`); calls the operations beside it.

Invariants:
- a command is one transaction: all of it is done and remembered, or nothing is;
- a command that was carried out is answered as it was, and done no second time, but secrets are told once;
- a visit whose time is over is over before anything else is done, however long nobody looked.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import ConflictError, NotFoundError, PacsgateError, RequestError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.ports import Clock
from pacsgate.ports.access import AccessStore, Effects
from pacsgate.ports.pacs_adapters import Command, Outcome
from pacsgate.services.access import credentials, identities, units, visits
from pacsgate.services.access.rules import DeskRules
from pacsgate.services.access.work import Done, FieldCheck, Work

REMEMBERED = timedelta(days=14)
"""How long it is remembered that a command was carried out: longer than any is kept to be sent again."""
_REFUSALS = (RequestError, NotFoundError, ConflictError)
BY_TIME = "the clock"
"""Who checks out a visit whose time is over."""

_P = Permission
OPERATIONS_OF_THE_DESK: Mapping[str, Callable[[Work], Done]] = {
    permission.value: operation
    for permission, operation in (
        (_P.IDENTITY_CREATE, identities.create),
        (_P.IDENTITY_LIST, identities.listed),
        (_P.IDENTITY_GET, identities.read),
        (_P.IDENTITY_UPDATE, identities.update),
        (_P.IDENTITY_REMOVE, identities.remove),
        (_P.VISIT_CREATE, visits.create),
        (_P.VISIT_LIST, visits.listed),
        (_P.VISIT_GET, visits.read),
        (_P.VISIT_UPDATE, visits.update),
        (_P.VISIT_REMOVE, visits.remove),
        (_P.VISIT_CHECK_IN, visits.check_in),
        (_P.VISIT_CHECK_OUT, visits.check_out),
        (_P.IDENTITY_CREDENTIAL_CREATE, credentials.create),
        (_P.IDENTITY_CREDENTIAL_LIST, credentials.listed),
        (_P.IDENTITY_CREDENTIAL_GET, credentials.read),
        (_P.IDENTITY_CREDENTIAL_REMOVE, credentials.remove),
        (_P.IDENTITY_CREDENTIAL_ACTIVATE, credentials.activate),
        (_P.IDENTITY_CREDENTIAL_DEACTIVATE, credentials.deactivate),
        (_P.VISIT_CREDENTIAL_CREATE, credentials.create),
        (_P.VISIT_CREDENTIAL_LIST, credentials.listed),
        (_P.VISIT_CREDENTIAL_GET, credentials.read),
        (_P.VISIT_CREDENTIAL_REMOVE, credentials.remove),
        (_P.VISIT_CREDENTIAL_ACTIVATE, credentials.activate),
        (_P.VISIT_CREDENTIAL_DEACTIVATE, credentials.deactivate),
        (_P.IDENTITY_ACCESS_UNIT_LIST, units.of_holder),
        (_P.IDENTITY_ACCESS_UNIT_ASSIGN, units.assign),
        (_P.IDENTITY_ACCESS_UNIT_REMOVE, units.remove),
        (_P.VISIT_ACCESS_UNIT_LIST, units.of_holder),
        (_P.VISIT_ACCESS_UNIT_ASSIGN, units.assign),
        (_P.VISIT_ACCESS_UNIT_REMOVE, units.remove),
        (_P.CREDENTIAL_FORMATS_GET, credentials.formats),
        (_P.ACCESS_UNIT_LIST, units.listed),
        (_P.ACCESS_UNIT_GET, units.read),
        (_P.ACCESS_UNIT_IDENTITY_LIST, units.identities_of),
        (_P.ACCESS_UNIT_VISIT_LIST, units.visits_of),
    )
}
"""Every operation that a desk carries out."""


class AccessDesk:
    """One database of access, with what it means."""

    def __init__(
        self,
        store: AccessStore,
        effects: Effects,
        clock: Clock,
        rules: DeskRules,
        check_fields: FieldCheck,
    ) -> None:
        """`check_fields` knows the extension fields of each tenant."""
        self._store = store
        self._effects = effects
        self._clock = clock
        self._rules = rules
        self._check_fields = check_fields

    def execute(self, command: Command) -> Outcome:
        """Carry out a command, once for each message.

        A refusal is an outcome; what is raised is an outage, and nothing was done.
        """
        operation = OPERATIONS_OF_THE_DESK.get(command.operation)
        if operation is None:
            return _refusal(501, "not supported", f"this PACS does not know `{command.operation}`")
        work = self._work(command)
        self._end_overdue(work)
        if not OPERATIONS[command.operation].changes:
            return _answer(operation, work)
        known = self._store.executed(work.place, command.message_id)
        if known is not None:
            return known
        try:
            with self._store.together():
                # Of two that were shown the same command one has waited here for the other.
                known = self._store.executed(work.place, command.message_id)
                if known is not None:
                    return known
                done = operation(work)
                outcome = Outcome(done.status, done.body)
                self._store.note_executed(work.place, command.message_id, outcome, work.now)
        except _REFUSALS as refused:
            outcome = _refused(refused)
            self._store.note_executed(work.place, command.message_id, outcome, work.now)
            return outcome
        self._effects.settled()
        return Outcome(done.status, {**(done.body or {}), **done.once}) if done.once else outcome

    def tick(self, place: PacsPlace) -> int:
        """Check out whoever has stayed to the end, and let expire what nobody came to; returns how many."""
        now = self._clock.now()
        self._store.forget_executed(place, now - REMEMBERED)
        return self._end_overdue(self._work(_by_time(place, now)))

    def _work(self, command: Command) -> Work:
        return Work(command, self._store, self._effects, self._rules, self._check_fields, self._clock.now())

    def _end_overdue(self, work: Work) -> int:
        by_time = self._work(_by_time(work.place, work.now))
        count = 0
        for visit in self._store.overdue(work.place, work.now):
            with self._store.together():
                count += visits.end_overdue(by_time, visit.visit_id)
            self._effects.settled()
        return count


def _answer(operation: Callable[[Work], Done], work: Work) -> Outcome:
    """What a question comes to: it can be asked again, and nobody remembers that it was."""
    try:
        done = operation(work)
    except _REFUSALS as refused:
        return _refused(refused)
    return Outcome(done.status, done.body)


def _by_time(place: PacsPlace, now: datetime) -> Command:
    return Command(
        message_id="",
        operation=Permission.VISIT_CHECK_OUT,
        tenant=place.tenant,
        pacs=place.pacs,
        ids={},
        body=None,
        requested_by=BY_TIME,
        requested_at=now,
        expires_at=now,
    )


def _refused(refused: PacsgateError) -> Outcome:
    match refused:
        case NotFoundError():
            return _refusal(404, "not found", refused.public)
        case ConflictError():
            return _refusal(409, "conflict", refused.public)
        case RequestError():
            return _refusal(refused.status, "bad request", refused.public)
        case _:
            raise refused


def _refusal(status: int, error: str, message: str) -> Outcome:
    return Outcome(status, {"error": error, "message": message})
