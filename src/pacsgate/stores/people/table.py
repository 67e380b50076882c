"""What the families of tables have in common.

Called by its neighbours.
"""

from sqlalchemy import Table, delete, select
from sqlalchemy.sql.elements import ColumnElement

from pacsgate.stores.columns import AnyRow
from pacsgate.stores.database import Database
from pacsgate.stores.tenant_wall import Whose


class Family:
    """A part of the directory, on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _one(self, tenant: Whose, table: Table, *conditions: ColumnElement[bool]) -> AnyRow | None:
        with self._database.reading(tenant) as connection:
            return connection.execute(select(table).where(*conditions)).one_or_none()

    def _all(self, tenant: Whose, table: Table, *conditions: ColumnElement[bool]) -> list[AnyRow]:
        """In the order of the primary key."""
        with self._database.reading(tenant) as connection:
            return list(
                connection.execute(select(table).where(*conditions).order_by(*table.primary_key.columns))
            )

    def _forget(self, tenant: Whose, table: Table, *conditions: ColumnElement[bool]) -> int:
        """Delete without an epoch: for what no cache holds."""
        with self._database.writing(tenant) as connection:
            return connection.execute(delete(table).where(*conditions)).rowcount
