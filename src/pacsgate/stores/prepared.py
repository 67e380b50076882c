"""A connection to PostgreSQL that reads by statements it keeps prepared, with nothing between them and libpq.

A list is five small questions, and of each the driver's cursor takes as long as the server
does.  Here values are written and rows are read by the driver's own adapters, and
what is left out is the cursor: a statement is prepared when it is first run and its result
is had in one call.

Called by `reading`.

Invariants:
- a statement that failed raises the driver's own error for it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg import Connection, errors, pq
from psycopg.adapt import PyFormat, Transformer

from pacsgate.stores.tenant_wall import Whose, within

Row = tuple[Any, ...]
_MOST = 256
"""Statements kept prepared on one connection; there are some dozens, and a few for each kind of search."""
_BEGIN = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_COMMIT = b"COMMIT"
_FINE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})


class PreparedConnection:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        """The driver's own, for what comes in batches."""
        self._wire = connection.pgconn
        self._adapters = Transformer(connection)
        self._encoding = connection.info.encoding
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def begin(self, tenant: Whose) -> None:
        """Begin a transaction that sees one committed state of a tenant's rows."""
        while (result := self._wire.get_result()) is not None:
            self._fine(result)
        self._fine(self._wire.exec_(_begin(tenant)))

    def commit(self) -> None:
        """Have it ended; what comes of that nobody waits for, since nothing was written."""
        self._wire.send_query(_COMMIT)

    def rows(self, statement: str, values: Sequence[object]) -> list[Row]:
        """All rows of a statement whose parameters are written `$1`, `$2` and so on."""
        adapters = self._adapters
        written: Any = adapters.dump_sequence(values, _formats(len(values)))
        name = self._prepared(statement, adapters.types or ())
        result = self._fine(
            self._wire.exec_prepared(name, written, adapters.formats, result_format=pq.Format.BINARY)
        )
        adapters.set_pgresult(result)
        return adapters.load_rows(0, result.ntuples, tuple)

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def _prepared(self, statement: str, types: tuple[int, ...]) -> bytes:
        name = self._names.get((statement, types))
        if name is None:
            if len(self._names) >= _MOST:
                self._fine(self._wire.exec_(b"DEALLOCATE ALL"))
                self._names.clear()
            name = b"gate%d" % len(self._names)
            self._fine(self._wire.prepare(name, statement.encode(self._encoding), types))
            self._names[statement, types] = name
        return name

    def _fine(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status not in _FINE:
            raise errors.error_from_result(result, encoding=self._encoding)
        return result


@lru_cache(maxsize=64)
def _begin(tenant: Whose) -> bytes:
    """Both in one message to the server."""
    return f"{_BEGIN}; {within(tenant)}".encode("ascii")


@lru_cache(maxsize=64)
def _formats(count: int) -> Sequence[PyFormat]:
    return [PyFormat.AUTO] * count
