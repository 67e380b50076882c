"""Statements that never change, compiled once and run by the driver itself.

An object that is stored runs some twenty small statements; SQLAlchemy takes several times as
long over each as the database does, though only the values differ.  So it writes each of them
once, for the database in hand, and what is done for every run is what its types ask for.

    _FOUND = Fixed(select(serial.c.value).where(serial.c.tenant == bindparam("tenant")))
    row = _FOUND.first(connection, {"tenant": tenant})

Called by what writes the index, inside the transactions of `database`.

Invariants:
- the statement belongs to the transaction of the connection that it is run on;
- values become what SQLAlchemy would make of them, on the way in and out; columns of fractions, of which
  PostgreSQL has several kinds, are not read.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.types import TypeEngine

Statement = SelectBase | UpdateBase
Parameters = Mapping[str, Any]
_Change = Callable[[Any], Any] | None


class Fixed:
    """One statement; its parameters have names, and an INSERT or UPDATE takes columns by theirs."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._written: dict[tuple[str, ...], _Written] = {}
        """As the database takes it, by database and by what is given."""

    def rows(self, connection: Connection, parameters: Parameters) -> list[Any]:
        """All rows, whose values are also had by the names of their columns."""
        written = self._for(connection, parameters)
        found = _driver(connection).execute(written.text, written.values(parameters))
        return [written.row(values) for values in found.fetchall()]

    def first(self, connection: Connection, parameters: Parameters) -> Any:
        """The first row, or `None`."""
        return next(iter(self.rows(connection, parameters)), None)

    def run(self, connection: Connection, parameters: Parameters) -> None:
        """Run it for what it does."""
        written = self._for(connection, parameters)
        _driver(connection).execute(written.text, written.values(parameters))

    def run_each(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Run it once for each of these, which all give the same names."""
        if rows:
            written = self._for(connection, rows[0])
            _driver(connection).cursor().executemany(written.text, [written.values(row) for row in rows])

    def _for(self, connection: Connection, parameters: Parameters) -> "_Written":
        name = (connection.dialect.name, *parameters)
        found = self._written.get(name)
        if found is None:
            # Two threads may both write it; whichever is kept says the same.
            found = self._written[name] = _written(self._statement, connection.dialect, parameters)
        return found


@dataclass(frozen=True, slots=True)
class _Written:
    """A statement in the words of one driver."""

    text: str
    named: bool
    """Whether the driver takes parameters by name, and not in their order."""
    constants: Parameters
    """What the statement itself says of some parameters."""
    parameters: tuple[tuple[str, _Change], ...]
    """In order: the name, and how the driver is given its value."""
    make: Callable[[Iterable[Any]], Any]
    changes: tuple[tuple[int, Callable[[Any], Any]], ...]
    """Of the columns of a row, by place: what their values are made into."""

    def values(self, given: Parameters) -> Any:
        """The values for one run.  Raises `KeyError` for one that nobody gives."""
        all_of_them = {**self.constants, **given} if self.constants else given
        if self.named:
            return {
                name: all_of_them[name] if change is None else change(all_of_them[name])
                for name, change in self.parameters
            }
        return [
            all_of_them[name] if change is None else change(all_of_them[name])
            for name, change in self.parameters
        ]

    def row(self, values: Sequence[Any]) -> Any:
        """One row of the answer."""
        if not self.changes:
            return self.make(values)
        changed = list(values)
        for place, change in self.changes:
            changed[place] = change(changed[place])
        return self.make(changed)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _written(statement: Statement, dialect: Dialect, parameters: Parameters) -> _Written:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(parameters))
    in_order: Sequence[str] | None = compiled.positiontup
    names = list(compiled.params) if in_order is None else in_order
    columns = tuple(statement.exported_columns)
    names_of_columns = [str(column.key) for column in columns]
    shape: Any = namedtuple("Row", names_of_columns, rename=True)  # type: ignore[misc]  # noqa: PYI024 - made at run time
    changes = ((place, _read(column.type, dialect)) for place, column in enumerate(columns))
    return _Written(
        text=str(compiled),
        named=in_order is None,
        constants={name: compiled.params[name] for name in names if not compiled.binds[name].required},
        parameters=tuple((name, _given(compiled.binds[name].type, dialect)) for name in names),
        make=shape._make,
        changes=tuple((place, change) for place, change in changes if change is not None),
    )


def _given(kind: TypeEngine[Any], dialect: Dialect) -> _Change:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _read(kind: TypeEngine[Any], dialect: Dialect) -> _Change:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
