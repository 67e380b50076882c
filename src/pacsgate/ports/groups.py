"""Groups as somebody keeps them: by themselves, also while they have no members.

Which groups an account is in stands in the account; here is which groups there are, what they are
called and who says so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantScope


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """One group.  `source` is the identity source that keeps it; empty is the gate itself."""

    name: str
    display_name: str = ""
    source: str = ""
    external_id: str = ""
    created_at: datetime | None = None


class Groups(Protocol):
    """The groups of a tenant."""

    def groups(self, scope: TenantScope) -> tuple[GroupRecord, ...]:
        """Every group that somebody keeps, by name."""
        ...

    def add_group(self, scope: TenantScope, group: GroupRecord, event: AuditEvent) -> None:
        """Make a group.  Raises `ConflictError`."""
        ...

    def change_group(self, scope: TenantScope, group: GroupRecord, event: AuditEvent) -> None:
        """Replace what is kept of a group.  Raises `NotFoundError`."""
        ...

    def remove_group(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove a group, and every account from it.  Raises `NotFoundError`.  Moves the users epoch."""
        ...

    def change_members(
        self,
        scope: TenantScope,
        name: str,
        *,
        add: frozenset[str],
        remove: frozenset[str],
        event: AuditEvent,
    ) -> None:
        """Put accounts into a group and take others out, all at once.  Raises `NotFoundError` if there is no
        such group; names without an account are passed over.  Moves the users epoch.
        """
        ...
