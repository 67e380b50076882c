"""Messages go to whoever carries them out, one at a time under a lease, and come back answered.

Whoever asked for something may have lost the permission since, or the account: before anything is handed
over it is looked up again.

Called by the agents' door and, for the gate's own archives, by `run_here`.

Invariants:
- nothing is handed over that whoever asked for it may not ask for now;
- an answer counts once, and only from who holds the lease.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pacsgate.audit.events import Actor
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Lease, Message, MessageState, PacsQueue
from pacsgate.services.pacs_queue.course import NOT_PERMITTED, answered, failed
from pacsgate.services.pacs_queue.operator import is_operator
from pacsgate.services.pacs_queue.overdue import EndOverdue
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.rules import QueueRules
from pacsgate.services.pacs_queue.told_once import ToldOnce

StillHeld = Callable[[str, TenantName, Permission, ArchiveName | None, datetime], bool]
"""Whether an account may come in now and holds a permission at a PACS (`Warrants.still`)."""

_LEASE_BYTES = 16
_CHANGES = {
    MessageState.ANSWERED: "answered",
    MessageState.QUEUED: "answered with an error, to be tried again",
    MessageState.FAILED: "answered with an error, given up",
}


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes messages: by which name, and as whom in the trail."""

    name: str
    actor: Actor
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """Hands over, and takes back."""

    queue: PacsQueue
    overdue: EndOverdue
    still: StillHeld
    record: QueueRecord
    clock: Clock
    rules: QueueRules
    told_once: ToldOnce

    def next(self, scope: TenantScope, pacs: ArchiveName, taker: Taker) -> Message | None:
        """The next message, under a lease; `None` if there is nothing to do now."""
        self.overdue.of_one(scope, pacs)
        while True:
            now = self.clock.now()
            lease = Lease(taker.name, secrets.token_hex(_LEASE_BYTES), now + self.rules.lease)
            record = self.record.of("handed over", taker.actor, now, taker.request_id)
            message = self.queue.lease(scope, pacs, lease, now, record)
            if message is None or self._is_permitted(message, now):
                return message
            refused = self.record.of("not permitted any more", taker.actor, now, taker.request_id)
            self.queue.change(message, failed(message, NOT_PERMITTED, now, self.rules), refused)

    def answer(
        self,
        scope: TenantScope,
        pacs: ArchiveName,
        taker: Taker,
        message_id: str,
        token: str,
        outcome: Outcome,
    ) -> Message:
        """Keep what came of a message.  Raises `NotFoundError`, `ConflictError`."""
        message = self.queue.message(scope, pacs, message_id)
        if message is None:
            raise NotFoundError("there is no such message")
        if message.state.is_final:
            raise ConflictError("this message has its answer already")
        if not _is_held_by(message, taker, token):
            raise ConflictError("this lease has ended: the message is queued again, or somebody else has it")
        now = self.clock.now()
        after = answered(message, self.told_once.sealed(message, outcome), now, self.rules)
        record = self.record.of(_CHANGES[after.state], taker.actor, now, taker.request_id)
        if not self.queue.change(message, after, record):
            raise ConflictError("this lease has just ended, or its message has been answered")
        return after

    def _is_permitted(self, message: Message, now: datetime) -> bool:
        command = message.command
        permission = OPERATIONS[command.operation].permission
        return is_operator(command.requested_by) or self.still(
            command.requested_by, command.tenant, permission, command.pacs, now
        )


def _is_held_by(message: Message, taker: Taker, token: str) -> bool:
    lease = message.lease
    if lease is None or lease.holder != taker.name:
        return False
    return hmac.compare_digest(lease.token.encode(), token.encode())
