"""Audit events that were committed with an administrative change, until the trail has them.

Called by `services` through `ports.OutboxStore`; rows are written by `changes`.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select

from pacsgate.stores.database import Database
from pacsgate.stores.schema import outbox
from pacsgate.stores.tenant_wall import ANY_TENANT


class SqlOutbox:
    """`ports.OutboxStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, limit: int = 100) -> tuple[tuple[int, bytes], ...]:
        """Undelivered rows of all tenants, oldest first."""
        with self._database.reading(ANY_TENANT) as connection:
            rows = connection.execute(
                select(outbox.c.outbox_pk, outbox.c.event).order_by(outbox.c.outbox_pk).limit(limit)
            )
            return tuple((number, event) for number, event in rows)

    def delivered(self, ids: Sequence[int]) -> None:
        """Forget rows that the trail has."""
        if not ids:
            return
        with self._database.writing(ANY_TENANT) as connection:
            connection.execute(delete(outbox).where(outbox.c.outbox_pk.in_(ids)))
