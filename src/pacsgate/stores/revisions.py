"""Every policy revision that was ever active, with its sources.

Called by `services` through `ports.RevisionStore`.

Invariants:
- nothing is ever deleted or changed here: a restart with a broken file serves
  the newest, and every revision that a record names can be shown;
- a revision replaces what its publisher knew of, or nothing.
"""

import msgspec
from sqlalchemy import Connection, insert, select

from pacsgate.audit.events import AuditEvent
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import TenantScope
from pacsgate.ports import StoredRevision
from pacsgate.stores.candidates import clear_waiting, waiting
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.database import Database
from pacsgate.stores.schema import policy_revision
from pacsgate.stores.serials import REVISION, next_number

_sources = msgspec.msgpack.Decoder(dict[str, str])


class SqlRevisions:
    """`ports.RevisionStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def live(self, scope: TenantScope) -> StoredRevision | None:
        """The revision that was activated last."""
        return next(iter(self.history(scope, limit=1)), None)

    def activate(
        self,
        scope: TenantScope,
        revision: StoredRevision,
        event: AuditEvent,
        *,
        live: str | None,
        pending: str | None,
    ) -> None:
        """Make a revision the live one, in place of these; also one that was live before."""
        with change(self._database, scope.tenant, Topic.POLICY, event) as connection:
            if _live(connection, scope) != live or waiting(connection, scope) != pending:
                raise ConflictError("another policy was published meanwhile: look again, then try again")
            clear_waiting(connection, scope)
            connection.execute(
                insert(policy_revision).values(
                    tenant=scope.tenant,
                    ordinal=next_number(connection, scope.tenant, REVISION),
                    revision=revision.revision,
                    sources=msgspec.msgpack.encode(dict(revision.sources)),
                    activated_at=revision.activated_at,
                    activated_by=revision.activated_by,
                )
            )

    def history(self, scope: TenantScope, limit: int = 50) -> tuple[StoredRevision, ...]:
        """Activations, newest first."""
        with self._database.reading(scope.tenant) as connection:
            rows = connection.execute(
                select(policy_revision)
                .where(policy_revision.c.tenant == scope.tenant)
                .order_by(policy_revision.c.ordinal.desc())
                .limit(limit)
            )
            return tuple(
                StoredRevision(row.revision, _sources.decode(row.sources), row.activated_at, row.activated_by)
                for row in rows
            )


def _live(connection: Connection, scope: TenantScope) -> str | None:
    activated = select(policy_revision.c.revision).where(policy_revision.c.tenant == scope.tenant)
    newest = activated.order_by(policy_revision.c.ordinal.desc()).limit(1)
    found: str | None = connection.execute(newest).scalar()
    return found
