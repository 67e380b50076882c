"""What is kept to tell administrators of each other's changes.

The store of a change keeps its notice, in the same transaction; nobody else makes one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.audit.notices import Notice
from pacsgate.model.resource import TenantScope


@dataclass(frozen=True, slots=True)
class Unseen:
    """What somebody has not seen yet."""

    notices: tuple[Notice, ...]
    """The oldest of them, so that none is passed over by who looks at some; newest first."""
    total: int


class Notices(Protocol):
    """Changes by others, and how far each account has seen them."""

    def unseen(
        self, scope: TenantScope, user: str, kinds: Collection[EventKind], since: datetime, limit: int
    ) -> Unseen:
        """Changes of these kinds that somebody else made since then and that the account has not seen."""
        ...

    def note_seen(self, scope: TenantScope, user: str, number: int, event: AuditEvent) -> None:
        """Remember that an account has seen everything up to this number; it never sees less again."""
        ...
