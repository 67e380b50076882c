"""Leases end, messages that nobody fetches expire, and what is over is forgotten in the end.

When the clock has gone ahead and back, what was put off meanwhile waits for a time that may be years away.
Nothing is ever put off for so long: it is taken up at once.

Called by the background process for all PACSes, and by `hand_over` for one before it hands anything over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.pacs_queue import Message, MessageState, PacsQueue
from pacsgate.services.pacs_queue.course import due_now, expired, lost
from pacsgate.services.pacs_queue.recording import GATE, QueueRecord
from pacsgate.services.pacs_queue.rules import QueueRules

_LOST = {
    MessageState.QUEUED: "lease lost, to be tried again",
    MessageState.FAILED: "lease lost, given up",
}


@dataclass(frozen=True, slots=True)
class EndOverdue:
    """Ends them."""

    queue: PacsQueue
    record: QueueRecord
    clock: Clock
    rules: QueueRules

    def of_one(self, scope: TenantScope, pacs: ArchiveName) -> None:
        """At one PACS."""
        now = self.clock.now()
        self._end(self.queue.overdue(now, self.rules.furthest(now), (scope.tenant, pacs)))

    def of_all(self) -> None:
        """Everywhere."""
        now = self.clock.now()
        self._end(self.queue.overdue(now, self.rules.furthest(now)))

    def forget(self) -> None:
        """Forget what has been kept for long enough."""
        now = self.clock.now()
        self.queue.forget(unreadable=now, ended_before=now - self.rules.kept)

    def _end(self, messages: Iterable[Message]) -> None:
        for message in messages:
            now = self.clock.now()
            if message.state is MessageState.LEASED:
                after = lost(message, now, self.rules)
                word = _LOST[after.state]
            elif message.command.expires_at <= now:
                after, word = expired(message, now, self.rules), "expired"
            else:
                after, word = due_now(message, now), "taken up again: the clock has gone back"
            self.queue.change(message, after, self.record.of(word, GATE, now))
