"""Roles that were made by API or command line; those of policy files are not here.

Called by `directory`.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Role
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import assignment, role


class Roles(Family):
    """The roles of `ports.Directory`."""

    def roles(self, scope: TenantScope) -> tuple[Role, ...]:
        """All roles, by name."""
        return tuple(
            Role(
                name=row.name,
                may=frozenset(Action(action) for action in unpack_strings(row.may)),
                permissions=frozenset(Permission(name) for name in unpack_strings(row.permissions)),
                owner=row.owner,
                description=row.description,
                extends=frozenset(unpack_strings(row.extends)),
                approved_by=row.approved_by,
                approved_at=None if row.approved_at is None else date.fromisoformat(row.approved_at),
                template=row.template,
                longest=None if row.longest_seconds is None else timedelta(seconds=row.longest_seconds),
            )
            for row in self._all(scope.tenant, role, role.c.tenant == scope.tenant)
        )

    def add_role(self, scope: TenantScope, new: Role, event: AuditEvent) -> None:
        """Make a role.  Raises `ConflictError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (role.c.tenant == scope.tenant) & (role.c.name == new.name)
            if connection.execute(select(exists().where(here))).scalar_one():
                raise ConflictError(f"role `{new.name}` exists already")
            connection.execute(insert(role).values(tenant=scope.tenant, name=new.name, **_columns(new)))

    def change_role(self, scope: TenantScope, changed: Role, event: AuditEvent) -> None:
        """Replace a role.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (role.c.tenant == scope.tenant) & (role.c.name == changed.name)
            if not connection.execute(update(role).where(here).values(**_columns(changed))).rowcount:
                raise NotFoundError(f"there is no role `{changed.name}`")

    def remove_role(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove a role that nobody has.

        Raises `NotFoundError`, or `ConflictError` while somebody has it: an assignment
        left behind would come to life with the next role of that name.
        """
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            holders = connection.execute(
                select(assignment.c.account)
                .where(assignment.c.tenant == scope.tenant, assignment.c.role == name)
                .distinct()
                .order_by(assignment.c.account)
                .limit(3)
            ).scalars()
            named = ", ".join(f"`{holder}`" for holder in holders)
            here = (role.c.tenant == scope.tenant) & (role.c.name == name)
            if not connection.execute(delete(role).where(here)).rowcount:
                raise NotFoundError(f"there is no role `{name}`")
            if named:
                raise ConflictError(f"role `{name}` is still assigned (to {named}); take it away first")


def _columns(of: Role) -> dict[str, Any]:
    """The columns of a role but for its name."""
    return {
        "may": pack_strings(of.may),
        "permissions": pack_strings(of.permissions),
        "owner": of.owner,
        "description": of.description,
        "extends": pack_strings(of.extends),
        "approved_by": of.approved_by,
        "approved_at": None if of.approved_at is None else of.approved_at.isoformat(),
        "template": of.template,
        "longest_seconds": None if of.longest is None else int(of.longest.total_seconds()),
    }
