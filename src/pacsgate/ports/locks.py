"""Locks: somebody is kept out at once, everywhere, until they are let in again.

A lock is neither a disabled account nor a lockout by wrong passwords: an administrator (or a rule
of a later time) sets it on a name, and whatever that name holds ends: sessions, streams and
associations within two seconds, on every node.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantScope


class LockTarget(StrEnum):
    """What can be locked."""

    USER = "user"
    """An account of any kind."""
    DEVICE = "device"
    """A remote AE."""


@dataclass(frozen=True, slots=True)
class LockRecord:
    """One lock.  `until` is exclusive; `None` is until it is lifted."""

    target: LockTarget
    name: str
    reason: str
    locked_by: str
    locked_at: datetime
    until: datetime | None = None


class Locks(Protocol):
    """The locks of a tenant.  Setting and lifting one moves the users epoch."""

    def locks(self, scope: TenantScope) -> tuple[LockRecord, ...]:
        """Every lock, lapsed ones included."""
        ...

    def set_lock(self, scope: TenantScope, lock: LockRecord, event: AuditEvent) -> None:
        """Lock, or replace the lock of this name."""
        ...

    def lift_lock(self, scope: TenantScope, target: LockTarget, name: str, event: AuditEvent) -> None:
        """Unlock.  Raises `NotFoundError` when there is no such lock."""
        ...
