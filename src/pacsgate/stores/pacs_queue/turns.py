"""Transactions of the queue: who changes the order of messages waits for who does so at the same PACS.

SQLite has one writer anyway.  On PostgreSQL, messages of different PACSes come and go at the same time,
which the one lock of all other writers (`dialects.begin_writing`) would not let them: so there is a lock for
each PACS.  What somebody may wait for is notified to every process when it is committed (`bell`).

Called by `queue`.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, select

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.stores.database import Database
from pacsgate.stores.dialects import Flavour, go_within
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.tenant_wall import Whose

CHANNEL = "pacsgate_queue"
_NOTIFY = Fixed(select(func.pg_notify(CHANNEL, bindparam("sender", type_=Text))))
_LOCK = Fixed(select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))))


@contextmanager
def turn(database: Database, scope: TenantScope, pacs: ArchiveName) -> Iterator[Connection]:
    """A transaction during which nobody else adds or leases messages of this PACS."""
    with changing(database, scope.tenant) as connection:
        if database.flavour is Flavour.POSTGRESQL:
            _LOCK.run(connection, {"key": _key(scope, pacs)})
        yield connection


@contextmanager
def changing(database: Database, tenant: Whose) -> Iterator[Connection]:
    """A transaction that changes rows which it names."""
    match database.flavour:
        case Flavour.SQLITE:
            with database.writing(tenant) as connection:
                yield connection
        case Flavour.POSTGRESQL:
            with database.engine.begin() as connection:
                go_within(connection, database.flavour, tenant)
                yield connection
        case _:
            assert_never(database.flavour)


def announce(connection: Connection, sender: str) -> None:
    """Tell every process that waits, once this transaction is committed, who has changed something."""
    if connection.dialect.name == Flavour.POSTGRESQL:
        _NOTIFY.run(connection, {"sender": sender})


def _key(scope: TenantScope, pacs: ArchiveName) -> int:
    """Two PACSes with the same key would wait for each other, and nothing else."""
    digest = hashlib.sha256(f"pacsgate queue\n{scope.tenant}\n{pacs}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
