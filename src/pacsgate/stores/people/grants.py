"""Grants on patients, studies, series and collections.

Called by `directory`.
"""

from sqlalchemy import delete, exists, insert, select

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.study_permission import grant_of
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import access_grant
from pacsgate.stores.permissions import holdings_of


class Grants(Family):
    """The grants of `ports.Directory`."""

    def grants(self, scope: TenantScope) -> tuple[Grant, ...]:
        """All grants, expired ones too; whether one is live is the engine's question."""
        return tuple(
            Grant(
                grant_id=row.grant_id,
                grantee_kind=GranteeKind(row.grantee_kind),
                grantee=row.grantee,
                target=GrantTarget(row.target),
                target_id=row.target_id,
                actions=frozenset(Action(action) for action in unpack_strings(row.actions)),
                granted_by=row.granted_by,
                granted_at=row.granted_at,
                expires=row.expires,
                archive=None if row.archive is None else ArchiveName(row.archive),
            )
            for row in self._all(scope.tenant, access_grant, access_grant.c.tenant == scope.tenant)
        )

    def granted(self, scope: TenantScope) -> tuple[Grant, ...]:
        """All grants, and for each holding of study permissions the grant that it amounts to."""
        with self._database.reading(scope.tenant) as connection:
            holdings = holdings_of(connection, scope.tenant)
        return (*self.grants(scope), *map(grant_of, holdings))

    def add_grant(self, scope: TenantScope, grant: Grant, event: AuditEvent) -> None:
        """Make a grant.  Raises `ConflictError`."""
        with change(self._database, scope.tenant, Topic.GRANTS, event) as connection:
            here = (access_grant.c.tenant == scope.tenant) & (access_grant.c.grant_id == grant.grant_id)
            if connection.execute(select(exists().where(here))).scalar_one():
                raise ConflictError(f"grant `{grant.grant_id}` exists already")
            connection.execute(
                insert(access_grant).values(
                    tenant=scope.tenant,
                    grant_id=grant.grant_id,
                    grantee_kind=grant.grantee_kind,
                    grantee=grant.grantee,
                    target=grant.target,
                    target_id=grant.target_id,
                    actions=pack_strings(grant.actions),
                    granted_by=grant.granted_by,
                    granted_at=grant.granted_at,
                    expires=grant.expires,
                    archive=grant.archive,
                )
            )

    def revoke_grant(self, scope: TenantScope, grant_id: str, event: AuditEvent) -> None:
        """Take a grant back.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.GRANTS, event) as connection:
            here = (access_grant.c.tenant == scope.tenant) & (access_grant.c.grant_id == grant_id)
            if not connection.execute(delete(access_grant).where(here)).rowcount:
                raise NotFoundError(f"there is no grant `{grant_id}`")
