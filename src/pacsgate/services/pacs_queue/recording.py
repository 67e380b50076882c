"""Every change of a message as an event: what was asked, of whom, about what, and how it went.

Ids stand in the trail, as those of patients do; bodies never.

Called by the use cases of this package.
"""

from dataclasses import dataclass, field
from datetime import datetime

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.ports import Trail
from pacsgate.ports.pacs_queue import DEAD, Message, Record

GATE = Actor("pacsgate", verified=True)
"""Whoever ends what nobody else does."""


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """Puts changes on record."""

    trail: Trail

    def of(self, change: str, actor: Actor, at: datetime, request_id: str | None = None) -> Record:
        """The record of one change by somebody."""
        return _Change(self.trail, change, actor, at, request_id)


@dataclass(frozen=True, slots=True)
class _Change:
    trail: Trail = field(repr=False)
    change: str
    actor: Actor
    at: datetime
    request_id: str | None

    def __call__(self, message: Message) -> None:
        command, outcome = message.command, message.outcome
        details = {
            "change": self.change,
            "message": command.message_id,
            "operation": command.operation,
            "entity": message.entity,
            "requested_by": command.requested_by,
            "attempt": str(command.attempt),
        }
        if outcome is not None:
            details["status"] = str(outcome.status)
        self.trail.record(
            AuditEvent(
                EventKind.PACS_MESSAGE,
                self.at,
                self.actor,
                Outcome.MINOR if message.state in DEAD else Outcome.SUCCESS,
                tenant=command.tenant,
                archive=command.pacs,
                request_id=self.request_id,
                details=details,
            )
        )
