"""Locks of users and devices.

Called by `services` through `ports.locks`; what they do is read with the account and with the remote
AE (`users`, `application_entities`), so that no door can forget to ask.

Invariants:
- a lock outlasts its account: who is locked and removed does not come back under the old name.
"""

from sqlalchemy import ColumnElement, delete, insert

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.locks import LockRecord, LockTarget
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.identity_schema import account_lock
from pacsgate.stores.people.table import Family


class SqlLocks(Family):
    """`ports.locks.Locks` on a `Database`."""

    def locks(self, scope: TenantScope) -> tuple[LockRecord, ...]:
        """Every lock, lapsed ones included, devices before users and each by name."""
        return tuple(map(_lock, self._all(scope.tenant, account_lock, account_lock.c.tenant == scope.tenant)))

    def set_lock(self, scope: TenantScope, lock: LockRecord, event: AuditEvent) -> None:
        """Lock, or replace the lock of this name."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            connection.execute(delete(account_lock).where(_is(scope, lock.target, lock.name)))
            connection.execute(
                insert(account_lock).values(
                    tenant=scope.tenant,
                    target=lock.target,
                    name=lock.name,
                    reason=lock.reason,
                    locked_by=lock.locked_by,
                    locked_at=lock.locked_at,
                    until=lock.until,
                )
            )

    def lift_lock(self, scope: TenantScope, target: LockTarget, name: str, event: AuditEvent) -> None:
        """Unlock.  Raises `NotFoundError` when there is no such lock."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if not connection.execute(delete(account_lock).where(_is(scope, target, name))).rowcount:
                raise NotFoundError(f"{target} `{name}` is not locked")


def _is(scope: TenantScope, target: LockTarget, name: str) -> ColumnElement[bool]:
    return (
        (account_lock.c.tenant == scope.tenant)
        & (account_lock.c.target == target)
        & (account_lock.c.name == name)
    )


def _lock(row: AnyRow) -> LockRecord:
    return LockRecord(
        target=LockTarget(row.target),
        name=row.name,
        reason=row.reason,
        locked_by=row.locked_by,
        locked_at=row.locked_at,
        until=row.until,
    )
