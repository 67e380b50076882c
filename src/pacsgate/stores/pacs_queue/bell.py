"""Rings when something may have changed in the queue, whichever process changed it.

SQLite is looked at twenty times a second while somebody waits: a few microseconds each.  PostgreSQL says so
itself (NOTIFY), and who has changed it: what this process changes is told to its waiters without a bell.

Called by `bootstrap.queue_thread` through `ports.pacs_queue.QueueBell`.

Invariants:
- a bell that cannot hear rings: whoever waits looks for themselves.
"""

import threading
import time
from contextlib import suppress
from typing import Any, assert_never

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pacsgate.ports.pacs_queue import QueueBell
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.pacs_queue.turns import CHANNEL

LOOK_SECONDS = 0.05
_HEAR_SECONDS = 0.25
"""For how long PostgreSQL is listened to before `ring` is obeyed."""


def open_bell(database: Database, sender: str) -> QueueBell:
    """The bell of one process, whose own changes bear this name; one thread waits for it."""
    match database.flavour:
        case Flavour.SQLITE:
            return _SqliteBell(database)
        case Flavour.POSTGRESQL:
            return _PostgresqlBell(database, sender)
        case _:
            assert_never(database.flavour)


class _SqliteBell:
    """Keeps one connection that never writes, so that every commit is another's and moves `data_version`."""

    def __init__(self, database: Database) -> None:
        self._connection = database.keep()
        self._driver: Any = self._connection.connection.dbapi_connection
        self._rung = threading.Event()
        self._version = self._now()

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._rung.wait(min(LOOK_SECONDS, max(0.0, end - time.monotonic()))):
            version = self._now()
            if version != self._version or time.monotonic() >= end:
                self._version = version
                return
        self._rung.clear()

    def ring(self) -> None:
        self._rung.set()

    def _now(self) -> int:
        version: int = self._driver.execute("PRAGMA data_version").fetchone()[0]
        return version


class _PostgresqlBell:
    """Listens on a connection of its own."""

    def __init__(self, database: Database, sender: str) -> None:
        self._database = database
        self._sender = sender
        self._connection: Connection | None = None
        self._rung = threading.Event()
        self._broken: tuple[type[Exception], ...] = (DBAPIError, database.engine.dialect.loaded_dbapi.Error)

    def wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            while not self._rung.is_set() and time.monotonic() < end:
                driver: Any = self._listening().connection.driver_connection
                heard = driver.notifies(timeout=min(_HEAR_SECONDS, seconds), stop_after=1)
                if any(notice.payload != self._sender for notice in heard):
                    return
        except self._broken:
            self._drop()
            self._rung.wait(min(_HEAR_SECONDS, seconds))
        self._rung.clear()

    def ring(self) -> None:
        self._rung.set()

    def _listening(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.keep()
            self._connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(*self._broken):
                self._connection.invalidate()
        self._connection = None
