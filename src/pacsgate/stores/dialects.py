"""The one place where SQLite and PostgreSQL differ.

Everything else in `stores` is written once, in SQLAlchemy Core.  Both databases
compare text code point by code point: SQLite does by itself, PostgreSQL when a
column says collation `C`.  So SQL orders and compares strings as Python does.

Called by `schema`, `constraint_sql`, `query_sql` and `database`.

Standard: none; SQLite's GLOB and `json_each`, PostgreSQL's LIKE … ESCAPE,
arrays and advisory locks, each as its manual says.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, assert_never

from sqlalchemy import BigInteger, Connection, Select, Text, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator

from pacsgate.stores.tenant_wall import Whose, whose, within

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that compares by code point in both databases."""

T = TypeVar("T", str, int)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as UTC microseconds since 1970, because SQLite has no type with a time zone."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """To the column."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """From the column."""
        return None if value is None else instant(value)


def instant(value: int) -> datetime:
    """The time in a column that was read without SQLAlchemy."""
    return _EPOCH + timedelta(microseconds=value)


class Flavour(StrEnum):
    """A database that pacsgate runs on, by SQLAlchemy's name for it."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


_ONE_STATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SET_TENANT = "set_config('pacsgate.tenant', %s, true)"

MANY = 50
"""Lists longer than this travel as one parameter: each has its cost, and PostgreSQL takes 65,535 at most."""

_GLOB_LITERALS = str.maketrans({"[": "[[]", "*": "[*]", "?": "[?]"})
_LIKE_LITERALS = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})
_FIXED = re.compile(r"[^*?]+")
_LAST_PLAIN = 0xD7FF
"""Beyond it come halves of characters, which no text holds."""


def wildcard(flavour: Flavour, column: ColumnElement[str], pattern: str, *, one: bool) -> ColumnElement[bool]:
    """The whole column matches a pattern: `*` is any run of characters and, if `one` is set, `?` exactly one.

    Case counts.  SQLite's LIKE folds ASCII case, so there it is GLOB.
    """
    match flavour:
        case Flavour.SQLITE:
            return column.op("GLOB", is_comparison=True)(_rewrite(pattern, _GLOB_LITERALS, "*", "?", one=one))
        case Flavour.POSTGRESQL:
            return column.like(_rewrite(pattern, _LIKE_LITERALS, "%", "_", one=one), escape="!")
        case _:
            assert_never(flavour)


def wildcard_text(flavour: Flavour, column: str, bind: Callable[[str], str], pattern: str) -> str:
    """The same as text, for a pattern with both wildcards; `bind` names the parameter for a value."""
    match flavour:
        case Flavour.SQLITE:
            # The sign keeps SQLite from preparing the statement anew for each pattern.
            return f"+{column} GLOB {bind(_rewrite(pattern, _GLOB_LITERALS, '*', '?', one=True))}"
        case Flavour.POSTGRESQL:
            return f"{column} LIKE {bind(_rewrite(pattern, _LIKE_LITERALS, '%', '_', one=True))} ESCAPE '!'"
        case _:
            assert_never(flavour)


def lower_case(flavour: Flavour, column: str) -> str:
    """The column with the letters of ASCII in lower case, and all others as they are."""
    match flavour:
        case Flavour.SQLITE:
            return f"lower({column})"
        case Flavour.POSTGRESQL:
            return f'lower({column} COLLATE "C")'
        case _:
            assert_never(flavour)


def fixed_start(pattern: str) -> tuple[str, str]:
    """What every text that matches a pattern begins with, and the first text after all of those."""
    start = _FIXED.match(pattern)
    low = "" if start is None else start.group()
    return low, low[:-1] + chr(ord(low[-1]) + 1) if low and ord(low[-1]) < _LAST_PLAIN else ""


def _rewrite(pattern: str, literals: dict[int, str], many: str, single: str, *, one: bool) -> str:
    wild = {"*": many, "?": single} if one else {"*": many}
    return "".join(wild.get(character) or character.translate(literals) for character in pattern)


def member(flavour: Flavour, column: ColumnElement[T], values: Sequence[T]) -> ColumnElement[bool]:
    """The column is one of these values, however many there are."""
    if len(values) <= MANY:
        return column.in_(values)
    match flavour:
        case Flavour.SQLITE:
            listed = func.json_each(literal(json.dumps(values))).table_valued("value")
            return column.in_(select(listed.c.value))
        case Flavour.POSTGRESQL:
            return column == any_(bindparam(None, list(values), type_=ARRAY(column.type)))
        case _:
            assert_never(flavour)


def written_out(statement: Select[Any], flavour: Flavour) -> tuple[str, dict[str, object]]:
    """A statement as text with named parameters, for `reading`."""
    match flavour:
        case Flavour.SQLITE:
            dialect: Dialect = SQLiteDialect_pysqlite(paramstyle="named")
        case Flavour.POSTGRESQL:
            dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
        case _:
            assert_never(flavour)
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


def begin_reading(connection: Connection, flavour: Flavour, tenant: Whose) -> None:
    """Start a snapshot of a tenant's rows: every statement until the end of it sees the same state."""
    match flavour:
        case Flavour.SQLITE:
            connection.exec_driver_sql("BEGIN")
        case Flavour.POSTGRESQL:
            driver: Any = connection.connection.dbapi_connection
            # One message to the server for both; the driver could not prepare it, and need not.
            driver.execute(f"{_ONE_STATE}; {within(tenant)}", prepare=False)
        case _:
            assert_never(flavour)


def begin_writing(connection: Connection, flavour: Flavour, tenant: Whose) -> None:
    """Start a transaction that waits for every other writer of the installation to end.

    One writer at a time is SQLite's nature; PostgreSQL gets the same from one
    advisory lock, so that reading a row and writing it back needs no retry.
    """
    match flavour:
        case Flavour.SQLITE:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        case Flavour.POSTGRESQL:
            connection.exec_driver_sql(
                f"SELECT {_SET_TENANT}, pg_advisory_xact_lock(7211001)", (whose(tenant),)
            )
        case _:
            assert_never(flavour)


def go_within(connection: Connection, flavour: Flavour, tenant: Whose) -> None:
    """Let a transaction that is open see the rows of this tenant from now on."""
    match flavour:
        case Flavour.SQLITE:
            pass
        case Flavour.POSTGRESQL:
            connection.exec_driver_sql(f"SELECT {_SET_TENANT}", (whose(tenant),))
        case _:
            assert_never(flavour)
