"""Roles that are given, and who gave them.

Called by `directory`.

Invariants:
- of two givings that were decided on the same knowledge only the first is kept.
"""

from sqlalchemy import Connection, exists, func, insert, select

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.ports.role_givings import RoleGiving
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import account, role_giving
from pacsgate.stores.people_schema import assignment as assignment_table


class RoleGivingRows(Family):
    """`ports.role_givings.RoleGivings` on a `Database`."""

    def role_givings(self, scope: TenantScope, user: str) -> tuple[RoleGiving, ...]:
        """What an account was ever given, oldest first."""
        here = (role_giving.c.tenant == scope.tenant, role_giving.c.account == user)
        return tuple(
            RoleGiving(
                row.giving_pk,
                row.given_by,
                row.role,
                AssignmentScope(None if row.archive is None else ArchiveName(row.archive), row.collection),
                row.starts,
                row.until,
            )
            for row in self._all(scope.tenant, role_giving, *here)
        )

    def give_role(
        self, scope: TenantScope, user: str, assignment: Assignment, giving: RoleGiving, event: AuditEvent
    ) -> None:
        """Add an assignment, and keep who gave it.  Raises `NotFoundError`, `ConflictError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (account.c.tenant == scope.tenant) & (account.c.name == user)
            if not connection.execute(select(exists().where(here))).scalar_one():
                raise NotFoundError(f"there is no user `{user}`")
            of_user = (role_giving.c.tenant == scope.tenant) & (role_giving.c.account == user)
            last = connection.execute(select(func.max(role_giving.c.giving_pk)).where(of_user)).scalar()
            if (last or 0) >= giving.number:
                raise ConflictError(f"somebody gave `{user}` a role just now: look again, then try again")
            connection.execute(
                insert(role_giving).values(
                    tenant=scope.tenant,
                    account=user,
                    giving_pk=giving.number,
                    given_by=giving.given_by,
                    **_columns(giving),
                )
            )
            connection.execute(
                insert(assignment_table).values(
                    tenant=scope.tenant,
                    account=user,
                    position=_next_position(connection, scope, user),
                    **_columns(assignment),
                )
            )


def _next_position(connection: Connection, scope: TenantScope, user: str) -> int:
    columns = assignment_table.c
    here = (columns.tenant == scope.tenant) & (columns.account == user)
    last: int | None = connection.execute(select(func.max(columns.position)).where(here)).scalar()
    return 0 if last is None else last + 1


def _columns(given: Assignment | RoleGiving) -> dict[str, object]:
    return {
        "role": given.role,
        "archive": given.scope.archive,
        "collection": given.scope.collection,
        "starts": given.starts,
        "until": given.until,
    }
