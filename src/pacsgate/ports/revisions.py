"""Policy revisions, and the counters that tell whether a cache is still exact."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
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

    def activate(
        self,
        scope: TenantScope,
        revision: StoredRevision,
        event: AuditEvent,
        *,
        live: str | None,
        pending: str | None,
    ) -> None:
        """Make a revision the live one, in place of the one that waits too.

        Raises `ConflictError` unless `live` is live and `pending` waits still.
        """
        ...

    def history(self, scope: TenantScope, limit: int = 50) -> tuple[StoredRevision, ...]:
        """The newest revisions first."""
        ...


@dataclass(frozen=True, slots=True)
class Epochs:
    """Counters that move whenever something a cache may hold has changed.

    `index` moves with every study that comes, changes or goes.  Nothing about people and policies depends on
    it, so epochs that differ in nothing else are equal.
    """

    policy: int
    users: int
    grants: int
    labels: int
    locks: int = 0
    index: int = field(default=0, compare=False)


class EpochStore(Protocol):
    """Tells, cheaply and before every decision, whether caches are still exact."""

    def watched(self) -> AbstractContextManager[None]:
        """Keeps what `current` needs at hand: for processes that decide all the time."""
        ...

    def current(self) -> Epochs:
        """The epochs as committed now.  On SQLite a few microseconds when nothing changed."""
        ...
