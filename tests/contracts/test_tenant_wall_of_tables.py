"""The second line between tenants at every table that has tenants, with a row of each of two in it.

The tables are those of the program, whatever they are by now, and the rows are made from their columns: a new
table is looked at from its first day, and fails here until its migration walls it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_change
from sqlalchemy.exc import ProgrammingError

from pacsgate.stores.columns import metadata
from pacsgate.stores.database import Database
from pacsgate.stores.tenant_wall import ANY_TENANT, UNWALLED
from tests.support.clocks import START
from tests.support.databases import Cluster, opened

NORTH, SOUTH = "north", "south"
TABLES = [table for table in metadata.sorted_tables if "tenant" in table.c and table.name not in UNWALLED]
VALUES = {str: "x", int: 7, float: 7.0, bool: False, bytes: b"x", object: START}
"""Of each type (`object` is an instant) the same value everywhere, so that rows lead to those that they must."""
pytestmark = pytest.mark.server("postgresql")


@pytest.fixture(scope="module")
def walled(postgresql: Cluster) -> Iterator[Database]:
    with opened(postgresql.url()) as database:
        for tenant in (NORTH, SOUTH):
            with database.writing(tenant) as connection:
                for table in TABLES:
                    connection.execute(insert(table).values(row(table, tenant)))
        yield database


def row(table: Table, tenant: str) -> dict[str, Any]:
    return {column.name: VALUES[column.type.python_type] for column in table.c} | {"tenant": tenant}


def whose(connection: Connection, table: Table) -> list[str]:
    """Whose rows of the two a table shows."""
    shown = connection.execute(select(table.c.tenant)).scalars()
    return sorted(tenant for tenant in shown if tenant in {NORTH, SOUTH})


def refused(connection: Connection, statement: Any) -> bool:
    """Whether the wall stops a statement; what it did otherwise is undone."""
    with connection.begin_nested() as undone:
        try:
            connection.execute(statement)
        except ProgrammingError as problem:
            return "row-level security" in str(problem)
        finally:
            undone.rollback()
    return False


def test_there_are_tables_and_each_has_a_row_of_both(walled: Database) -> None:
    assert len(TABLES) > 50
    with walled.reading(ANY_TENANT) as connection:
        assert {table.name for table in TABLES if whose(connection, table) != [NORTH, SOUTH]} == set()


def test_of_no_table_another_tenants_rows_are_read_or_counted(walled: Database) -> None:
    for tenant in (NORTH, SOUTH):
        with walled.reading(tenant) as connection:
            shown = {table.name: whose(connection, table) for table in TABLES}
            assert {name for name, tenants in shown.items() if tenants != [tenant]} == set()
            counts = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in TABLES
            }
            assert {name for name, count in counts.items() if count != 1} == set()


def test_into_no_table_another_tenants_row_is_written(walled: Database) -> None:
    with walled.writing(NORTH) as connection:
        for table in TABLES:
            foreign = row(table, SOUTH)
            keys = [column.name for column in table.primary_key]
            instead = insert_or_change(table).values(foreign)
            assert refused(connection, insert(table).values(foreign)), table.name
            assert refused(connection, insert(table).values(row(table, "a-third"))), table.name
            assert refused(connection, instead.on_conflict_do_update(index_elements=keys, set_=foreign)), (
                table.name
            )
            assert refused(connection, instead.on_conflict_do_nothing()), table.name
            if not table.foreign_keys:  # else that is what stops it
                assert refused(connection, update(table).values(tenant="a-third")), table.name


def test_in_no_table_another_tenants_row_is_changed_or_deleted(walled: Database) -> None:
    with walled.engine.connect() as connection, connection.begin() as undone:
        connection.exec_driver_sql(f"SET LOCAL pacsgate.tenant = '{NORTH}'")
        for table in TABLES:
            aimed = table.c.tenant == SOUTH
            assert connection.execute(update(table).values(tenant=NORTH).where(aimed)).rowcount == 0, (
                table.name
            )
            assert connection.execute(update(table).values(tenant=NORTH)).rowcount == 1, table.name
        for table in reversed(TABLES):
            assert connection.execute(delete(table)).rowcount == 1, table.name
        connection.exec_driver_sql("SET LOCAL pacsgate.tenant = '*'")
        assert {table.name for table in TABLES if whose(connection, table) != [SOUTH]} == set()
        undone.rollback()


def test_who_has_not_said_whose_rows_meets_empty_tables_and_fills_none(walled: Database) -> None:
    with walled.engine.connect() as connection, connection.begin() as undone:
        for table in TABLES:
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name
            assert connection.execute(update(table).values(tenant=NORTH)).rowcount == 0, table.name
            assert connection.execute(delete(table)).rowcount == 0, table.name
            assert refused(connection, insert(table).values(row(table, "a-third"))), table.name
        undone.rollback()


def test_tables_that_are_not_walled_hold_numbers_of_the_whole_installation_alone(walled: Database) -> None:
    """Beside the name of what is counted they have no text, so that nothing of anybody can be in them."""
    for name in UNWALLED:
        texts = {column.name for column in metadata.tables[name].c if column.type.python_type is not int}
        assert texts - {"tenant"} <= {"name", "holder"}
    with walled.reading(NORTH) as connection:
        for name in UNWALLED:
            assert set(connection.execute(select(metadata.tables[name].c.tenant)).scalars()) <= {
                "*",
                "default",
            }
