"""What waits for a PACS that is no more fails, with a sentence that says so.

Called by whoever unregisters a PACS, or gives it to another agent.
"""

from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.pacs_queue import PacsQueue
from pacsgate.services.pacs_queue.course import failed, given_up
from pacsgate.services.pacs_queue.recording import GATE, QueueRecord
from pacsgate.services.pacs_queue.rules import QueueRules


@dataclass(frozen=True, slots=True)
class GiveUpMessages:
    """Gives up."""

    queue: PacsQueue
    record: QueueRecord
    clock: Clock
    rules: QueueRules

    def all_of(self, scope: TenantScope, pacs: ArchiveName, why: str) -> int:
        """Let every queued and leased message of a PACS fail; return how many did."""
        count = 0
        while pending := self.queue.pending(scope, pacs):
            for message in pending:
                now = self.clock.now()
                after = failed(message, given_up(why), now, self.rules)
                count += self.queue.change(message, after, self.record.of("given up", GATE, now))
        return count
