"""Groups that somebody keeps.

Called by `services` through `ports.groups`.

Invariants:
- a group that is removed is gone from every account in the same transaction.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.groups import GroupRecord
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.identity_schema import user_group
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import account

_Groups = Mapping[str, frozenset[str]]
"""By account."""


class SqlGroups(Family):
    """`ports.groups.Groups` on a `Database`."""

    def groups(self, scope: TenantScope) -> tuple[GroupRecord, ...]:
        """Every group that somebody keeps, by name."""
        return tuple(map(_group, self._all(scope.tenant, user_group, user_group.c.tenant == scope.tenant)))

    def add_group(self, scope: TenantScope, group: GroupRecord, event: AuditEvent) -> None:
        """Make a group.  Raises `ConflictError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if connection.execute(select(exists().where(_is(scope, group.name)))).scalar_one():
                raise ConflictError(f"group `{group.name}` exists already")
            connection.execute(
                insert(user_group).values(
                    tenant=scope.tenant, name=group.name, created_at=group.created_at, **_columns(group)
                )
            )

    def change_group(self, scope: TenantScope, group: GroupRecord, event: AuditEvent) -> None:
        """Replace what is kept of a group, all but when it was made.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            changed = connection.execute(
                update(user_group).where(_is(scope, group.name)).values(_columns(group))
            ).rowcount
            if not changed:
                raise NotFoundError(f"there is no group `{group.name}`")

    def remove_group(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove a group, and every account from it.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if not connection.execute(delete(user_group).where(_is(scope, name))).rowcount:
                raise NotFoundError(f"there is no group `{name}`")
            before = {member: unpack_strings(groups) for member, groups in _accounts(connection, scope)}
            after = {member: groups - {name} for member, groups in before.items()}
            _write(connection, scope, after, before)

    def change_members(
        self,
        scope: TenantScope,
        name: str,
        *,
        add: frozenset[str],
        remove: frozenset[str],
        event: AuditEvent,
    ) -> None:
        """Put accounts into a group and take others out.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if not connection.execute(select(exists().where(_is(scope, name)))).scalar_one():
                raise NotFoundError(f"there is no group `{name}`")
            before = {
                member: unpack_strings(groups)
                for member, groups in _accounts(connection, scope)
                if member in add or member in remove
            }
            after = {
                member: groups | {name} if member in add else groups - {name}
                for member, groups in before.items()
            }
            _write(connection, scope, after, before)


def _is(scope: TenantScope, name: str) -> ColumnElement[bool]:
    return (user_group.c.tenant == scope.tenant) & (user_group.c.name == name)


def _accounts(connection: Connection, scope: TenantScope) -> Iterator[tuple[str, bytes]]:
    """Every account with its groups, which nobody else changes until the transaction ends."""
    everybody = select(account.c.name, account.c.groups).where(account.c.tenant == scope.tenant)
    for row in connection.execute(everybody.with_for_update()).all():
        yield row.name, row.groups


def _write(connection: Connection, scope: TenantScope, after: _Groups, before: _Groups) -> None:
    for name, groups in after.items():
        if groups != before[name]:
            here = (account.c.tenant == scope.tenant) & (account.c.name == name)
            connection.execute(update(account).where(here).values(groups=pack_strings(groups)))


def _columns(group: GroupRecord) -> dict[str, object]:
    return {"display_name": group.display_name, "source": group.source, "external_id": group.external_id}


def _group(row: AnyRow) -> GroupRecord:
    return GroupRecord(
        name=row.name,
        display_name=row.display_name,
        source=row.source,
        external_id=row.external_id,
        created_at=row.created_at,
    )
