"""Which person of which identity source is which account.

Called by `identity` through `ports.identity_sources.IdentityLinks`.
"""

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.exc import IntegrityError

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.identity_sources import IdentityLink
from pacsgate.stores.changes import Topic, change, post
from pacsgate.stores.identity_schema import identity_link
from pacsgate.stores.people.table import Family
from pacsgate.stores.storable import storable_text


class SqlIdentityLinks(Family):
    """`ports.identity_sources.IdentityLinks` on a `Database`."""

    def linked(self, scope: TenantScope, source: str, external_id: str) -> IdentityLink | None:
        """The link of this person."""
        found = self._links(scope, *_person(source, external_id))
        return found[0] if found else None

    def links(
        self, scope: TenantScope, *, source: str | None = None, user: str | None = None
    ) -> tuple[IdentityLink, ...]:
        """Every link, of one source or one account if named."""
        wanted = []
        if source is not None:
            wanted.append(identity_link.c.source == storable_text(source))
        if user is not None:
            wanted.append(identity_link.c.account == storable_text(user))
        return self._links(scope, *wanted)

    def link(self, scope: TenantScope, link: IdentityLink, event: AuditEvent | None = None) -> None:
        """Keep a link, which takes nothing from anybody.  Raises `ConflictError`."""
        row = {
            "tenant": scope.tenant,
            "source": storable_text(link.source),
            "external_id": storable_text(link.external_id),
            "account": storable_text(link.user),
            "linked_at": link.linked_at,
        }
        try:
            with self._database.writing(scope.tenant) as connection:
                connection.execute(insert(identity_link).values(row))
                if event is not None:
                    post(connection, scope.tenant, event)
        except IntegrityError:
            raise ConflictError(
                f"`{link.user}` is linked at source `{link.source}` already, or to somebody else there"
            ) from None

    def unlink(
        self, scope: TenantScope, source: str, external_id: str, event: AuditEvent | None = None
    ) -> None:
        """Forget a link; whoever came in by it is looked at again.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (identity_link.c.tenant == scope.tenant, *_person(source, external_id))
            if not connection.execute(delete(identity_link).where(*here)).rowcount:
                raise NotFoundError(f"source `{source}` has nobody of id `{external_id}` linked here")

    def _links(self, scope: TenantScope, *wanted: ColumnElement[bool]) -> tuple[IdentityLink, ...]:
        asked = (
            select(identity_link)
            .where(identity_link.c.tenant == scope.tenant, *wanted)
            .order_by(identity_link.c.source, identity_link.c.external_id)
        )
        with self._database.reading(scope.tenant) as connection:
            return tuple(
                IdentityLink(row.source, row.external_id, row.account, row.linked_at)
                for row in connection.execute(asked)
            )


def _person(source: str, external_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        identity_link.c.source == storable_text(source),
        identity_link.c.external_id == storable_text(external_id),
    )
