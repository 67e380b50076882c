"""Which agents have asked lately: noted in memory, and kept by `bootstrap.queue_thread` a few seconds later.

Ten thousand agents ask four hundred times a second: a write for each would be all that a database does.

Called by `pacs_polls`.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime

from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.ports.pacs_queue import AgentSighting


@dataclass(slots=True)
class AgentSightings:
    """What has been noted since it was last taken."""

    _seen: dict[tuple[TenantName, ArchiveName, str], datetime] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, tenant: TenantName, pacs: ArchiveName, account: str, at: datetime) -> None:
        """An agent has asked."""
        with self._turn:
            self._seen[tenant, pacs, account] = at

    def take(self) -> tuple[AgentSighting, ...]:
        """Everything, once."""
        with self._turn:
            seen, self._seen = self._seen, {}
        return tuple(AgentSighting(*key, at) for key, at in seen.items())
