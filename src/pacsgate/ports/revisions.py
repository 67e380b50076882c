"""Policy revisions, and the counters that tell whether a cache is still exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantScope


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision as it is kept: its id and the sources (file name to text) it was made from."""

    revision: str
    sources: Mapping[str, str]
    activated_at: datetime
    activated_by: str


class RevisionStore(Protocol):
    """Every policy revision that was ever active; the newest is the live one."""

    def live(self, scope: TenantScope) -> StoredRevision | None:
        """The newest revision."""
        ...

    def activate(self, scope: TenantScope, revision: StoredRevision, event: AuditEvent) -> None:
        """Make a revision the live one."""
        ...

    def history(self, scope: TenantScope, limit: int = 50) -> tuple[StoredRevision, ...]:
        """The newest revisions first."""
        ...


@dataclass(frozen=True, slots=True)
class Epochs:
    """Counters that move whenever something a cache may hold has changed."""

    policy: int
    users: int
    grants: int
    labels: int
    locks: int = 0


class EpochStore(Protocol):
    """Tells, cheaply and before every decision, whether caches are still exact."""

    def current(self) -> Epochs:
        """The epochs as committed now.  On SQLite a few microseconds when nothing changed."""
        ...
