"""One installation's database: how it is opened, read and written.

Reading gives a snapshot; writing waits for its turn and commits or leaves
nothing.  Either says whose rows it is about (`tenant_wall`).  Within `together`
both are parts of one transaction.  Connections are
pooled and may be used from any thread, one thread at a time.  A process that forks must open its own.

Called by `bootstrap`; everything else in `stores` takes a `Database`.

Invariants:
- a commit on SQLite has reached the disk when it returns (`synchronous=FULL`):
  what it holds includes users, revocations and the way to the trail;
- the file of an SQLite database can be read by its owner only.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from pacsgate.model.errors import SettingsError
from pacsgate.stores import epoch_leases
from pacsgate.stores.dialects import Flavour, begin_reading, begin_writing, go_within
from pacsgate.stores.migrate import upgrade
from pacsgate.stores.reading import Snapshot, Snapshots
from pacsgate.stores.tenant_wall import ANY_TENANT, Whose

BUSY_TIMEOUT_SECONDS = 10
"""How long a writer waits for its turn; the longest single transaction is the ingest of one batch."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
    "PRAGMA cache_size=-16000",
)


class Database:
    """An open database with a current schema."""

    def __init__(self, engine: Engine) -> None:
        self._kept: list[Connection] = []
        self._of_thread = threading.local()
        self.engine = engine
        self.flavour = Flavour(engine.dialect.name)
        self._snapshots = Snapshots(engine, _prepare_sqlite)
        # SQLite's own way to wait for the only writer is to try again now and then: threads that
        # wait here first come in their turn, and only other processes are left to chance.
        is_sqlite = self.flavour is Flavour.SQLITE
        self._writers: AbstractContextManager[object] = threading.Lock() if is_sqlite else nullcontext()

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for all that this thread reads and writes within, whichever store does it."""
        with self.writing(ANY_TENANT) as connection:
            outer = self._joined()
            self._of_thread.connection = connection
            try:
                yield
            finally:
                self._of_thread.connection = outer

    @contextmanager
    def provided(self, check: Callable[[], None]) -> Iterator[None]:
        """Let this thread write only after a check within its next transaction, before anything else."""
        self._of_thread.check = check
        try:
            yield
        finally:
            self._of_thread.check = None

    @contextmanager
    def reading(self, tenant: Whose) -> Iterator[Connection]:
        """A connection on which every statement sees the same committed state, of this tenant's rows."""
        joined = self._joined()
        if joined is not None:
            with self._within(joined, tenant):
                yield joined
            return
        with self.engine.connect() as connection:
            begin_reading(connection, self.flavour, tenant)
            yield connection

    def snapshot(self, tenant: Whose) -> AbstractContextManager[Snapshot]:
        """One committed state of a tenant's rows, read with the driver itself."""
        return self._snapshots.take(tenant)

    @contextmanager
    def writing(self, tenant: Whose) -> Iterator[Connection]:
        """A connection with the only writing transaction, of this tenant's rows; committed unless it raises.

        If it moved an epoch, every process that answers from memory has seen it on return.
        """
        joined = self._joined()
        if joined is not None:
            with self._within(joined, tenant), joined.begin_nested():
                yield joined
            return
        with self._writers, self.engine.begin() as connection:
            epoch_leases.take_move(connection)
            begin_writing(connection, self.flavour, tenant)
            self._check(connection, tenant)
            yield connection
            moved = epoch_leases.take_move(connection)
        if moved:
            with self.apart() as connection:
                epoch_leases.await_holders(connection)

    def _check(self, connection: Connection, tenant: Whose) -> None:
        """Look at what this transaction has been made dependent on; what raises undoes it."""
        check: Callable[[], None] | None = getattr(self._of_thread, "check", None)
        if check is None:
            return
        self._of_thread.check = None
        self._of_thread.connection, self._of_thread.tenant = connection, tenant
        try:
            check()
        finally:
            self._of_thread.connection, self._of_thread.tenant = None, ANY_TENANT

    @contextmanager
    def _within(self, connection: Connection, tenant: Whose) -> Iterator[None]:
        """Within a transaction of several stores, each sees the rows of the tenant that it is asked about."""
        outer: Whose = getattr(self._of_thread, "tenant", ANY_TENANT)
        if outer == tenant:
            yield
            return
        self._of_thread.tenant = tenant
        go_within(connection, self.flavour, tenant)
        try:
            yield
        finally:
            self._of_thread.tenant = outer
            with suppress(DBAPIError):  # a transaction that the server has given up says so by itself
                go_within(connection, self.flavour, outer)

    def _joined(self) -> Connection | None:
        """The connection of the transaction that this thread has open with `together`."""
        found: Connection | None = getattr(self._of_thread, "connection", None)
        return found

    def apart(self) -> Connection:
        """A connection outside transactions: each statement sees what is committed when it begins."""
        return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def keep(self) -> Connection:
        """One for as long as the database is open."""
        connection = self.apart()
        self._kept.append(connection)
        return connection

    def close(self) -> None:
        """Close all connections."""
        for connection in self._kept:
            connection.close()
        self._snapshots.close()
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open a database by its SQLAlchemy URL and bring its schema up to date.

    Raises `SettingsError` when the URL is not one of SQLite or PostgreSQL, or
    when a newer pacsgate has written there.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as problem:
        raise SettingsError("the database URL cannot be read", detail=str(problem)) from problem
    match backend:
        case Flavour.SQLITE:
            if not parsed.database or parsed.database == ":memory:":
                raise SettingsError("a database in memory cannot be shared by processes; name a file")
            _create_private(parsed.database)
            engine = create_engine(parsed, connect_args={"check_same_thread": False}, hide_parameters=True)
            event.listen(engine, "connect", _prepare_sqlite)
        case Flavour.POSTGRESQL:
            engine = create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True)
        case _:
            raise SettingsError(
                f"`{backend}` is not a database that pacsgate can use (`sqlite` or `postgresql`)"
            )
    upgrade(engine)
    # Connections keep the schema and the planner statistics with which they were opened.
    engine.dispose()
    return Database(engine)


def _create_private(path: str) -> None:
    # An existing file is not even opened: closing it would give up the locks that this process's other
    # connections hold on it (POSIX), and another process would take away the write-ahead log under them.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Without this the driver starts transactions by itself, and never a read snapshot.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)
