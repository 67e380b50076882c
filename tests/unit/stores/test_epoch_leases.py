"""Leases on PostgreSQL: memory is as good as reading, and a process that hangs holds nobody up for long."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, event, select, update

from pacsgate.ports import UserRecord
from pacsgate.stores import epoch_leases
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.epochs import open_epochs
from pacsgate.stores.schema import epoch_lease
from pacsgate.stores.stores import stores_on
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.databases import cluster, opened
from tests.support.events import READ
from tests.support.indexing import SCOPE
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server("postgresql")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with cluster() as server:
        yield server.url()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(url) as database:
        yield database


def leases(database: Database) -> int:
    with database.reading(ANY_TENANT) as connection:
        return len(connection.execute(select(epoch_lease)).all())


def seconds(database: Database, name: str) -> float:
    """How long a change takes."""
    directory = stores_on(database).directory
    begun = time.monotonic()
    directory.add_user(SCOPE, UserRecord(name, "user"), READ)
    return time.monotonic() - begun


def test_a_lease_is_taken_kept_and_given_back(database: Database) -> None:
    epochs = open_epochs(database)
    with epochs.watched():
        wait_until(lambda: leases(database) == 1)
        time.sleep(2 * epoch_leases.LEASE_SECONDS)
        asking: list[str] = []

        def note(*_: object) -> None:
            asking.append(threading.current_thread().name)

        event.listen(database.engine, "before_cursor_execute", note)
        for _ in range(1000):
            epochs.current()
        assert threading.current_thread().name not in asking, "what is in memory is not read"
    assert leases(database) == 0


def test_a_process_that_hangs_holds_up_a_change_until_its_lease_has_run_out(database: Database) -> None:
    with database.apart() as connection:
        epoch_leases.renew(connection, "hangs")
        waited = seconds(database, "one")
        assert 0.1 < waited < 5 * epoch_leases.LEASE_SECONDS
        assert seconds(database, "two") < waited
        epoch_leases.end(connection, "hangs")


def test_a_process_without_a_lease_reads(url: str, database: Database) -> None:
    elsewhere = open_database(url)
    epochs = open_epochs(elsewhere)
    before = epochs.current().users
    seconds(database, "three")
    assert epochs.current().users == before + 1
    elsewhere.close()


def test_a_lease_that_is_lost_is_taken_again(database: Database) -> None:
    epochs = open_epochs(database)
    with epochs.watched():
        wait_until(lambda: leases(database) == 1)
        with database.apart() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE starts_with(query, 'UPDATE epoch_lease') AND pid <> pg_backend_pid()"
            )
        before = epochs.current().users
        seconds(database, "four")
        assert epochs.current().users == before + 1
        with database.apart() as connection:
            connection.execute(update(epoch_lease).values(expires=0))
        wait_until(lambda: _holds(database))
        seconds(database, "five")
        assert epochs.current().users == before + 2


def test_a_process_whose_lease_was_forgotten_does_not_answer_from_memory_behind_the_back_of_changes(
    database: Database,
) -> None:
    epochs = open_epochs(database)
    with epochs.watched():
        wait_until(lambda: leases(database) == 1)
        with database.apart() as connection:  # as another process does after a minute of silence
            connection.execute(delete(epoch_lease))
        wait_until(lambda: leases(database) == 1)
    assert leases(database) == 0


def test_who_begins_takes_nothing_from_who_has_just_begun(database: Database) -> None:
    with database.apart() as connection:
        for holder in ("one", "two"):
            epoch_leases.forget_ended(connection)
            epoch_leases.renew(connection, holder)
        assert leases(database) == 2
        for holder in ("one", "two"):
            epoch_leases.end(connection, holder)


def _holds(database: Database) -> bool:
    with database.reading(ANY_TENANT) as connection:
        return connection.execute(select(epoch_lease).where(epoch_lease.c.expires > 0)).first() is not None
