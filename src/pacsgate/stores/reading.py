"""Reading the index on the way of a request: the driver itself, without a layer that builds statements.

A statement is text with named parameters, written once for both databases; the
driver keeps it prepared.  `IN :name` asks for one of the values in a list, which
travels as one parameter.

Called by everything that reads the index; what writes it runs `fixed` statements, and what is
read rarely goes through SQLAlchemy (`database`).

Invariants:
- all that is read through one `Snapshot` is one committed state.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, assert_never

from sqlalchemy import Engine

from pacsgate.stores.dialects import Flavour
from pacsgate.stores.tenant_wall import Whose

Row = tuple[Any, ...]
_LIST = re.compile(r"IN :(\w+)")
_PARAMETER = re.compile(r"(?<!:):([a-z]\w*)")
_IDLE = 32
"""Connections kept open while nobody reads."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One committed state."""

    connection: Any
    flavour: Flavour

    def rows(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """All rows of a statement."""
        match self.flavour:
            case Flavour.SQLITE:
                found: list[Row] = self._sqlite(statement, parameters).fetchall()
                return found
            case Flavour.POSTGRESQL:
                numbered = _numbered(statement)
                values = [_listed(parameters[name]) for name in numbered.names]
                rows: list[Row] = self.connection.rows(numbered.statement, values)
                return rows
            case _:
                assert_never(self.flavour)

    def rows_of_each(
        self, statement: str, parameters: Mapping[str, object], name: str, values: Iterable[object]
    ) -> list[Row]:
        """All rows of a statement without lists, run with each of these values of one parameter."""
        own = dict(parameters)
        found: list[Row] = []
        match self.flavour:
            case Flavour.SQLITE:
                run = self.connection.execute
                for value in values:
                    own[name] = value
                    found += run(statement, own)
            case Flavour.POSTGRESQL:
                for value in values:
                    own[name] = value
                    found += self.rows(statement, own)
            case _:
                assert_never(self.flavour)
        return found

    def stream(self, statement: str, parameters: Mapping[str, object], batch: int) -> Iterator[Sequence[Row]]:
        """The rows in batches, so that not all are in memory at once."""
        match self.flavour:
            case Flavour.SQLITE:
                cursor = self._sqlite(statement, parameters)
            case Flavour.POSTGRESQL:
                written = {name: _listed(value) for name, value in parameters.items()}
                # In binary, or the blobs of a page would come as twice as many hexadecimal digits.
                cursor = self.connection.connection.execute(_named(statement), written, binary=True)
            case _:
                assert_never(self.flavour)
        while rows := cursor.fetchmany(batch):
            yield rows

    def _sqlite(self, statement: str, parameters: Mapping[str, object]) -> Any:
        listed = {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in parameters.items()
        }
        return self.connection.execute(_for_sqlite(statement), listed)


def _listed(value: Any) -> object:
    """A list as PostgreSQL writes it: numbers, which need no quoting, cost the driver less as one text."""
    if isinstance(value, list) and value and type(value[0]) is int:
        return f"{{{','.join(map(str, value))}}}"
    return value


@lru_cache(maxsize=2048)
def _for_sqlite(statement: str) -> str:
    return _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", statement)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A statement with its parameters by number, and the name of each."""

    statement: str
    names: tuple[str, ...]


@lru_cache(maxsize=2048)
def _numbered(statement: str) -> _Numbered:
    listed = _LIST.sub(r"= ANY(:\1)", statement)
    names = tuple(dict.fromkeys(_PARAMETER.findall(listed)))
    number = {name: f"${place}" for place, name in enumerate(names, start=1)}
    return _Numbered(_PARAMETER.sub(lambda found: number[found[1]], listed), names)


@lru_cache(maxsize=2048)
def _named(statement: str) -> str:
    listed = _LIST.sub(r"= ANY(:\1)", statement.replace("%", "%%"))
    return _PARAMETER.sub(r"%(\1)s", listed)


class Snapshots:
    """Connections that only read, handed out one thread at a time."""

    def __init__(self, engine: Engine, prepare: Any) -> None:
        self._engine = engine
        self._prepare = prepare
        self._idle: deque[Any] = deque()
        self._flavour = Flavour(engine.dialect.name)

    @contextmanager
    def take(self, tenant: Whose) -> Iterator[Snapshot]:
        """A snapshot of what a tenant has when its first statement runs."""
        connection = self._begun(tenant)
        whole = False
        try:
            yield Snapshot(connection, self._flavour)
            self._end(connection)
            whole = True
        finally:
            # Whatever went wrong on it may have left a connection in the middle of something.
            if whole and len(self._idle) < _IDLE:
                self._idle.append(connection)
            else:
                connection.close()

    def _begun(self, tenant: Whose) -> Any:
        """A connection within a new transaction; an idle one may have lost its server meanwhile."""
        broken = self._engine.dialect.loaded_dbapi.Error
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._open()
                self._begin(connection, tenant)
                return connection
            try:
                self._begin(connection, tenant)
            except broken:
                connection.close()
            else:
                return connection

    def _begin(self, connection: Any, tenant: Whose) -> None:
        match self._flavour:
            case Flavour.SQLITE:
                connection.execute("BEGIN")
            case Flavour.POSTGRESQL:
                connection.begin(tenant)
            case _:
                assert_never(self._flavour)

    def _end(self, connection: Any) -> None:
        match self._flavour:
            case Flavour.SQLITE:
                connection.execute("COMMIT")
            case Flavour.POSTGRESQL:
                connection.commit()
            case _:
                assert_never(self._flavour)

    def _open(self) -> Any:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        match self._flavour:
            case Flavour.SQLITE:
                options.update(check_same_thread=False, cached_statements=512)
                opened: Any = self._engine.dialect.connect(*arguments, **options)
                self._prepare(opened, None)
            case Flavour.POSTGRESQL:
                from pacsgate.stores.prepared import PreparedConnection  # noqa: PLC0415 - an extra brings its driver

                driver: Any = self._engine.dialect.connect(*arguments, **options, autocommit=True)
                opened = PreparedConnection(driver)
            case _:
                assert_never(self._flavour)
        return opened

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
