"""Whether whoever requested an association is still who may have it.

Made by `admission`, one per association; asked by `dispatch` before each operation, and
by `house` while nothing is asked.

Invariants:
- an operation that begins after a change of people or locks was committed sees it;
- the subject stays the same object while nothing has changed, since what a policy makes
  of it is remembered by that.
"""

import secrets
from dataclasses import replace
from threading import Lock

from pacsgate.gateway.dimse.exchange import Established, Exchange
from pacsgate.gateway.dimse.wiring import DimseGate
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject

_ASKED_AGAIN_SECONDS = 1.0
"""Accounts, tokens, entries and locks end by themselves, without anybody changing anything; what the door
remembers of them it remembers until then, so that asking costs next to nothing."""

Seen = tuple[int, int]
"""The epochs of users and locks."""


class Standing:
    """The requestor of one association, as the directory says now."""

    def __init__(self, established: Established, context: Context, seen: Seen) -> None:
        """`seen` is what `seen_by` said before the subject was verified."""
        self.established = established
        self._context = context
        self._subject = established.admitted.subject
        self._seen = seen
        self._asked = established.gate.clock.monotonic()
        self._lock = Lock()

    @property
    def subject(self) -> Subject:
        """Who it was when last asked."""
        return self._subject

    def look(self) -> Subject | None:
        """Who it is now; `None` once the association must end, from then on."""
        established = self.established
        with self._lock:
            if established.withdrawn.is_set():
                return None
            seen, asked = seen_by(established.gate), established.gate.clock.monotonic()
            if seen == self._seen and asked < self._asked + _ASKED_AGAIN_SECONDS:
                return self._subject
            subject = self._ask()
            if subject is None:
                established.withdrawn.set()
                return None
            self._seen, self._asked = seen, asked
            if subject != self._subject:
                self._subject = subject
            return self._subject

    def exchange(self, message_id: int, subject: Subject) -> Exchange:
        """The circumstances of one request message that came in now."""
        name = f"{self._context.request_id}-{message_id}"
        context = replace(self._context, now=self.established.gate.clock.now(), request_id=name)
        return Exchange(self.established, context, subject)

    def _ask(self) -> Subject | None:
        established = self.established
        scope = TenantScope(self._subject.tenant)
        context = replace(self._context, now=established.gate.clock.now())
        return established.gate.door.still(scope, established.admitted, established.requestor, context)


def seen_by(gate: DimseGate) -> Seen:
    """What is read from now on is at least as recent as this."""
    epochs = gate.policies.epochs()
    return epochs.users, epochs.locks


def new_association_name() -> str:
    """Names an association in the record; its messages are told apart by their ids."""
    return secrets.token_hex(8)
