"""Whether caches are still exact, asked before every decision.

SQLite tells in a few microseconds whether anything was committed since one last
looked; only then are the epochs read.  On PostgreSQL a process that decides all the
time holds a lease (see `epoch_leases`) and answers from memory; any other asks.

Called by `services` through `ports.EpochStore`.

Invariants:
- what a change command committed before it returned is in the answer to every
  later question, from whichever process.
"""

import math
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, assert_never

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from pacsgate.ports import Epochs, EpochStore
from pacsgate.stores import epoch_leases
from pacsgate.stores.changes import Topic
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.schema import epoch
from pacsgate.stores.tenant_wall import ANY_TENANT

_ALL = select(epoch.c.name, func.sum(epoch.c.value)).group_by(epoch.c.name)


def open_epochs(database: Database) -> EpochStore:
    """The epochs of this database, asked in the way that is cheapest there."""
    match database.flavour:
        case Flavour.SQLITE:
            return _WatchedEpochs(database)
        case Flavour.POSTGRESQL:
            return _LeasedEpochs(database)
        case _:
            assert_never(database.flavour)


class _LeasedEpochs:
    """Answers from memory while it holds a lease, and by reading otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = (Epochs(0, 0, 0, 0), -math.inf)
        """What is known, and until when (by the monotonic clock) that is all there is to know."""

    def current(self) -> Epochs:
        epochs, until = self._held
        if time.monotonic() < until:
            return epochs
        with self._database.reading(ANY_TENANT) as connection:
            return _read(connection)[0]

    @contextmanager
    def watched(self) -> Iterator[None]:
        stop = threading.Event()
        watching = threading.Thread(target=self._watch, args=(stop,), name="epochs", daemon=True)
        watching.start()
        try:
            yield
        finally:
            stop.set()
            watching.join()

    def _watch(self, stop: threading.Event) -> None:
        broken: tuple[type[Exception], ...] = (DBAPIError, self._database.engine.dialect.loaded_dbapi.Error)
        while not stop.is_set():
            # Without a lease, answers are read: slower, and just as exact.
            with suppress(*broken), self._database.apart() as connection:
                self._hold(connection, stop)
            stop.wait(epoch_leases.LEASE_SECONDS)

    def _hold(self, connection: Connection, stop: threading.Event) -> None:
        holder = secrets.token_hex(8)
        connection.exec_driver_sql(f"LISTEN {epoch_leases.CHANNEL}")
        epoch_leases.forget_ended(connection)
        driver: Any = connection.connection.driver_connection
        while not stop.is_set():
            asked = time.monotonic()
            epoch_leases.renew(connection, holder)
            epochs, seen = _read(connection)
            self._held = epochs, asked + epoch_leases.LEASE_SECONDS
            # Only now: whoever waits for this must find the new epochs in use.
            epoch_leases.acknowledge(connection, holder, seen)
            for _ in driver.notifies(timeout=epoch_leases.RENEWAL_SECONDS, stop_after=1):
                pass
        self._held = self._held[0], -math.inf
        epoch_leases.end(connection, holder)
        connection.exec_driver_sql("UNLISTEN *")


class _WatchedEpochs:
    """Keeps one connection that never writes, so that every commit is another's and moves `data_version`."""

    def __init__(self, database: Database) -> None:
        self._connection = database.keep()
        self._driver: Any = self._connection.connection.dbapi_connection
        self._turn = threading.Lock()
        self._version: int | None = None
        self._epochs = Epochs(0, 0, 0, 0, 0)

    def watched(self) -> AbstractContextManager[None]:
        return nullcontext()

    def current(self) -> Epochs:
        with self._turn:
            # The version is read first: what is committed in between is read too early, never too late.
            version: int = self._driver.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._epochs, _ = _read(self._connection)
                self._version = version
            return self._epochs


def _read(connection: Connection) -> tuple[Epochs, int]:
    """The epochs as committed now, and the sum of all there are."""
    values = {name: int(value) for name, value in connection.execute(_ALL)}
    return Epochs(**{topic.value: values.get(topic.value, 0) for topic in Topic}), sum(values.values())
