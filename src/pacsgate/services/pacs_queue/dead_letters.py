"""What was never done as far as anybody knows, and how much waits: for who looks after a PACS.

Called by the API and its pages.

Invariants:
- what is queued again is permitted again before it is handed over, as everything is.
"""

from dataclasses import dataclass

from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.ports import Clock
from pacsgate.ports.pacs_queue import DEAD, AgentSighting, Depth, Message, PacsQueue
from pacsgate.services.pacs_queue.course import queued_again
from pacsgate.services.pacs_queue.recording import QueueRecord
from pacsgate.services.pacs_queue.rules import QueueRules
from pacsgate.services.pacs_queue.run_here import RunHere
from pacsgate.services.warrants import Warrant


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Lists them, and lets them begin anew."""

    queue: PacsQueue
    record: QueueRecord
    here: RunHere
    clock: Clock
    rules: QueueRules

    def dead(self, warrant: Warrant) -> tuple[Message, ...]:
        """The latest of the PACS, newest first."""
        return self.queue.dead(warrant.scope, warrant.at().pacs)

    def depth(self, warrant: Warrant) -> Depth:
        """How many messages of the PACS are where."""
        return self.queue.depth(warrant.scope, warrant.at().pacs)

    def agents(self, warrant: Warrant) -> tuple[AgentSighting, ...]:
        """Who has asked for the messages of the PACS, and when last."""
        return self.queue.agents(warrant.scope, warrant.at().pacs)

    def queue_again(self, warrant: Warrant, message_id: str) -> None:
        """Let a dead letter begin anew.  Raises `NotFoundError`, `ConflictError`."""
        pacs, now = warrant.at().pacs, self.clock.now()
        message = self.queue.message(warrant.scope, pacs, message_id)
        if message is None:
            raise NotFoundError("there is no such message")
        if message.state not in DEAD:
            raise ConflictError("only what failed or expired is queued again")
        order = warrant.change()
        record = self.record.of("queued again", order.actor, now, order.request_id)
        if not self.queue.change(message, queued_again(message, now, self.rules), record):
            raise ConflictError("somebody has just queued it again")
        self.here.drain(warrant.scope, pacs)
