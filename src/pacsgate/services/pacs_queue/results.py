"""What came of an operation, for whoever asked for it and for nobody else.

Called by the result's door, the command line and the pages.

Invariants:
- whose a message is, whether it is, and whether it ever was, only its requester can tell, while they hold
  the permission to ask for it, and no token of theirs that was narrowed to actions on images;
- a secret in a result is told once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pacsgate.audit.events import Actor
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Message, PacsQueue
from pacsgate.services.callers import Caller
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.told_once import SECRET, ToldOnce, has_secret
from pacsgate.services.record import Circumstances, actor_of

Holds = Callable[[Caller, Permission, ArchiveName | None], bool]
"""Whether a caller holds a permission at a PACS of their tenant now (`Warrants.holds`)."""

NO_RESULT = "there is no such result"
_GONE = 410
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Results:
    """Tells results."""

    queue: PacsQueue
    holds: Holds
    record: QueueRecord
    clock: Clock
    told_once: ToldOnce

    def of(self, caller: Caller, tenant: TenantName, pacs: ArchiveName, message_id: str) -> Outcome | None:
        """The result, or `None` while there is none.

        Raises `NotFoundError`, always the same, unless the caller has asked for it and may ask for it now,
        and `RequestError` (410) when it has been kept for long enough.
        """
        subject = caller.subject
        found = (
            None if tenant != subject.tenant else self.queue.message(TenantScope(tenant), pacs, message_id)
        )
        actor = actor_of(subject, caller.context)
        if found is None or not self._is_for(caller, found):
            circumstances = Circumstances(caller.context, actor, subject.tenant)
            self.record.trail.record(circumstances.denial((Reason(ReasonCode.NOT_FOUND),)))
            raise NotFoundError(NO_RESULT)
        return self._told(found, actor, caller.context.request_id)

    def wait(
        self, scope: TenantScope, pacs: ArchiveName, message_id: str, actor: Actor, *, seconds: float
    ) -> Outcome | None:
        """What `actor` has just asked for itself, as soon as it is there, or `None` after so long."""
        end = self.clock.monotonic() + seconds
        while True:
            found = self.queue.message(scope, pacs, message_id)
            outcome = None if found is None else self._told(found, actor, None)
            if outcome is not None or self.clock.monotonic() >= end:
                return outcome
            time.sleep(_LOOK_SECONDS)

    def _is_for(self, caller: Caller, message: Message) -> bool:
        command, subject = message.command, caller.subject
        if command.requested_by != subject.name or subject.token_actions is not None:
            return False
        return self.holds(caller, OPERATIONS[command.operation].permission, command.pacs)

    def _told(self, message: Message, actor: Actor, request_id: str | None) -> Outcome | None:
        if not message.state.is_final:
            return None
        now = self.clock.now()
        outcome = message.outcome
        if outcome is None or message.readable_until is None or message.readable_until <= now:
            raise RequestError("this result is not kept any more", status=_GONE)
        record = self.record.of("result read", actor, now, request_id)
        if not has_secret(outcome):
            record(message)
        elif not self.queue.change(message, _without_secret(message, outcome), record):
            return self._told_again(message, actor, request_id)
        return self.told_once.opened(message, outcome)

    def _told_again(self, message: Message, actor: Actor, request_id: str | None) -> Outcome | None:
        """Somebody has read the secret at the same moment: what is left of the result."""
        command = message.command
        found = self.queue.message(message.scope, command.pacs, command.message_id)
        return None if found is None else self._told(found, actor, request_id)


def _without_secret(message: Message, outcome: Outcome) -> Message:
    body = {name: value for name, value in outcome.body.items() if name != SECRET}
    return replace(message, outcome=Outcome(outcome.status, body))
