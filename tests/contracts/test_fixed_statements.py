"""A statement that the driver runs by itself does and answers what it does through SQLAlchemy."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    delete,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)

from pacsgate.stores.database import Database
from pacsgate.stores.dialects import TEXT, Instant
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.indexing import SEEN

PROBE = Table(
    "probe",
    MetaData(),
    Column("name", TEXT, primary_key=True),
    Column("number", BigInteger),
    Column("agrees", Boolean),
    Column("seen", Instant),
    Column("packed", LargeBinary),
    prefixes=["TEMPORARY"],
)
ROWS: tuple[dict[str, Any], ...] = (
    {"name": "Ärztin", "number": 2**40, "agrees": True, "seen": SEEN, "packed": b"\0\xff%s?"},
    {"name": "100 %", "number": None, "agrees": None, "seen": None, "packed": None},
    {"name": "?:x", "number": -1, "agrees": False, "seen": SEEN, "packed": b""},
)
NAMED = PROBE.c.name == bindparam("of_name")
INSERTED, ALL = Fixed(insert(PROBE)), Fixed(select(PROBE).order_by(PROBE.c.name))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """A transaction with an empty table of each kind of column that stores have."""
    with database.writing(ANY_TENANT) as connection:
        PROBE.create(connection)
        yield connection
        PROBE.drop(connection)


def by_sqlalchemy(connection: Connection) -> list[Any]:
    return [row._asdict() for row in connection.execute(select(PROBE).order_by(PROBE.c.name))]


def test_what_goes_in_and_out_is_what_sqlalchemy_would_make_of_it(connection: Connection) -> None:
    INSERTED.run(connection, ROWS[0])
    INSERTED.run_each(connection, ROWS[1:])
    INSERTED.run_each(connection, [])
    assert [row._asdict() for row in ALL.rows(connection, {})] == by_sqlalchemy(connection)
    assert by_sqlalchemy(connection) == sorted(ROWS, key=lambda row: row["name"])


def test_columns_are_named_by_who_gives_them(connection: Connection) -> None:
    """One UPDATE or INSERT, with as many columns as there are names that it does not know otherwise."""
    changed = Fixed(update(PROBE).where(NAMED))
    INSERTED.run(connection, ROWS[0])
    INSERTED.run(connection, {"name": "short"})
    changed.run(connection, {"of_name": "short", "seen": SEEN, "agrees": True})
    changed.run(connection, {"of_name": "short", "number": 7})
    short = Fixed(select(PROBE).where(NAMED)).first(connection, {"of_name": "short"})
    assert (short.seen, short.agrees, short.number, short.packed) == (SEEN, True, 7, None)


def test_what_a_change_returns_and_what_the_statement_says_itself(connection: Connection) -> None:
    INSERTED.run(connection, ROWS[0])
    counted = Fixed(
        update(PROBE).where(NAMED).values(number=PROBE.c.number + 1).returning(PROBE.c.number, PROBE.c.seen)
    )
    row = counted.first(connection, {"of_name": "Ärztin"})
    assert (row.number, row.seen) == (2**40 + 1, SEEN)
    assert counted.first(connection, {"of_name": "nobody"}) is None
    both = Fixed(
        union_all(
            select(literal("first"), PROBE.c.name).where(NAMED), select(literal("second"), PROBE.c.name)
        )
    )
    assert both.rows(connection, {"of_name": "nobody"}) == [("second", "Ärztin")]


def test_a_statement_in_words_is_run_as_it_stands(connection: Connection) -> None:
    written = Fixed(text("INSERT INTO probe (name) VALUES (:of_name) ON CONFLICT DO NOTHING").columns())
    written.run_each(connection, [{"of_name": "once"}, {"of_name": "once"}])
    assert [row.name for row in ALL.rows(connection, {})] == ["once"]


def test_a_parameter_that_nobody_gives_is_an_error_and_not_null(connection: Connection) -> None:
    with pytest.raises(KeyError, match="of_name"):
        Fixed(delete(PROBE).where(NAMED)).run(connection, {"name": "Ärztin"})


def test_what_was_done_belongs_to_the_transaction(database: Database) -> None:
    """Whoever raises leaves nothing."""
    given = Fixed(text("INSERT INTO epoch (tenant, name, value) VALUES ('t', 'probe', 1)").columns())
    there = select(text("value")).select_from(text("epoch")).where(text("name = 'probe'"))

    def fail() -> None:
        with database.writing(ANY_TENANT) as connection:
            given.run(connection, {})
            assert connection.execute(there).scalar() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading(ANY_TENANT) as connection:
        assert connection.execute(there).first() is None
