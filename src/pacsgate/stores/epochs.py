"""Whether caches are still exact, asked before every decision.

SQLite tells in a few microseconds whether anything was committed since one last
looked; only then are the epochs read.  PostgreSQL is asked each time.

Called by `services` through `ports.EpochStore`.

Invariants:
- what a change command committed before it returned is in the answer to every
  later question, from whichever process.
"""

import threading
from typing import Any, assert_never

from sqlalchemy import Connection, func, select

from pacsgate.ports import Epochs, EpochStore
from pacsgate.stores.changes import Topic
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.schema import epoch

_ALL = select(epoch.c.name, func.sum(epoch.c.value)).group_by(epoch.c.name)


def open_epochs(database: Database) -> EpochStore:
    """The epochs of this database, asked in the way that is cheapest there."""
    match database.flavour:
        case Flavour.SQLITE:
            return _WatchedEpochs(database)
        case Flavour.POSTGRESQL:
            return _ReadEpochs(database)
        case _:
            assert_never(database.flavour)


class _ReadEpochs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> Epochs:
        with self._database.reading() as connection:
            return _read(connection)


class _WatchedEpochs:
    """Keeps one connection that never writes, so that every commit is another's and moves `data_version`."""

    def __init__(self, database: Database) -> None:
        self._connection = database.keep()
        self._driver: Any = self._connection.connection.dbapi_connection
        self._turn = threading.Lock()
        self._version: int | None = None
        self._epochs = Epochs(0, 0, 0, 0, 0)

    def current(self) -> Epochs:
        with self._turn:
            # The version is read first: what is committed in between is read too early, never too late.
            version: int = self._driver.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._epochs = _read(self._connection)
                self._version = version
            return self._epochs


def _read(connection: Connection) -> Epochs:
    values = {name: int(value) for name, value in connection.execute(_ALL)}
    return Epochs(**{topic.value: values.get(topic.value, 0) for topic in Topic})
