"""A SQLite database that one process opens more than once stays whole under the eyes of others."""

import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
from sqlalchemy import text

from pacsgate.stores.database import Database, open_database
from pacsgate.stores.epochs import open_epochs
from pacsgate.stores.tenant_wall import ANY_TENANT

OPEN_AND_CLOSE = (
    "import sys; from pacsgate.stores.database import open_database; open_database(sys.argv[1]).close()"
)


def descriptors(directory: Path) -> set[str]:
    return {
        file.path
        for file in psutil.Process().open_files()
        if file.path.startswith(f"{directory}/pacsgate.db")
    }


def test_a_closed_database_leaves_nothing_open(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/pacsgate.db")
    open_epochs(database).current()
    assert descriptors(tmp_path)
    database.close()
    assert not descriptors(tmp_path)


def test_opening_a_database_twice_does_not_give_up_the_locks_of_the_first(tmp_path: Path) -> None:
    """Whoever closes last clears the write-ahead log away; with the locks lost, anybody would think to be the last."""
    url = f"sqlite:///{tmp_path}/pacsgate.db"
    first = open_database(url)
    open_epochs(first).current()
    open_database(url).close()
    log = tmp_path / "pacsgate.db-wal"
    before = log.stat().st_ino
    subprocess.run([sys.executable, "-c", OPEN_AND_CLOSE, url], check=True, timeout=60)
    assert log.stat().st_ino == before
    with first.writing(ANY_TENANT) as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    first.close()


def test_a_connection_that_broke_while_nobody_used_it_is_replaced(database: Database) -> None:
    with database.snapshot(ANY_TENANT) as snapshot:
        snapshot.connection.interrupt()
    snapshot.connection.close()
    with database.snapshot(ANY_TENANT) as again:
        assert again.rows("SELECT 1 AS one", {}) == [(1,)]
    assert again.connection is not snapshot.connection


def test_a_snapshot_that_ended_badly_is_not_read_from_again(database: Database) -> None:
    with suppress(sqlite3.OperationalError), database.snapshot(ANY_TENANT) as snapshot:
        snapshot.rows("SELECT 1 FROM nowhere", {})
    with database.snapshot(ANY_TENANT) as again:
        assert again.connection is not snapshot.connection


def test_a_list_travels_as_one_parameter(database: Database) -> None:
    with database.snapshot(ANY_TENANT) as snapshot:
        found = snapshot.rows("SELECT 3 IN :some, 'x' IN :texts", {"some": [1, 2, 3], "texts": ["y"]})
    assert found == [(1, 0)]
