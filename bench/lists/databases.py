"""Filled databases of both kinds, kept between runs: what takes minutes to load is loaded once.

They lie in `bench/results/lists`, one for each number of studies, with a stamp: when tables or
world change, the stamp does, and the database is filled anew.  PostgreSQL is a cluster of its own,
which listens on a socket there and runs while it is measured.

Called by `measuring`; `python -m bench.lists load N` fills both with N studies.
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from tests.support.servers import find_program

from bench.lists import loading
from bench.lists.world import world
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.dialects import Flavour
from pacsgate.stores.schema import access_class, access_kind, class_fact, kind_part, study, study_value

KEPT = Path(__file__).parent.parent / "results" / "lists"
SERIES_UP_TO = 1_000_000
"""A list of studies never reads a series; beyond this many they only would fill the disk."""
_CHUNK = 20_000
_SAMPLE = 200
_STAMP = "stamp"


def stamp(studies: int) -> str:
    """What a database with that many studies is made of, in short: its tables, and a sample of its world."""
    dialect = sqlite.dialect()  # type: ignore[no-untyped-call]
    tables = [
        str(made.compile(dialect=dialect))
        for table in (access_class, class_fact, access_kind, kind_part, study, study_value)
        for made in (CreateTable(table), *(CreateIndex(index) for index in sorted(table.indexes, key=str)))
    ]
    sample = [str(one) for one in world(_SAMPLE)]
    return hashlib.sha256("\n".join([str(studies), *tables, *sample]).encode()).hexdigest()


# ------------------------------------------------------------------ SQLite


@contextmanager
def sqlite_database(studies: int, told: Callable[[str], None]) -> Iterator[str]:
    """The URL of an SQLite file with that many studies; filled first if there is none."""
    directory = KEPT / f"sqlite-{studies}"
    url = f"sqlite:///{directory / 'gate.db'}"
    if not is_kept(directory, studies):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _fill(url, studies, _into_sqlite, told)
        _keep(directory, studies)
    yield url


def _into_sqlite(database: Database, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    insert = f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.c))})"  # noqa: S608 - our own tables
    path = database.engine.url.database or ""
    database.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nothing else looks at this file, and one that breaks off is made anew.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            (table.name,),
        ).fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        stream = iter(rows)
        while chunk := list(islice(stream, _CHUNK)):
            connection.executemany(insert, chunk)
        for _, created in indexes:
            connection.execute(created)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


# ------------------------------------------------------------------ PostgreSQL


@contextmanager
def postgresql_database(studies: int, told: Callable[[str], None]) -> Iterator[str]:
    """The URL of a PostgreSQL with that many studies, running; filled first if there is none."""
    directory = KEPT / f"postgresql-{studies}"
    fresh = not is_kept(directory, studies)
    if fresh:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    with cluster(directory, fresh=fresh) as url:
        if fresh:
            _fill(url, studies, _into_postgresql, told)
            _keep(directory, studies)
        yield url


@contextmanager
def cluster(directory: Path, *, fresh: bool) -> Iterator[str]:
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    data = directory / "data"

    def run(program: str, *arguments: str | Path) -> None:
        command = [*as_postgres, str(find_program(program)), "--pgdata", str(data), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    if fresh:
        if as_postgres:
            shutil.chown(directory, "postgres", "postgres")
        run("initdb", "--auth=trust", "--username=gate", "--encoding=UTF8")
    options = " ".join(
        f"-c {setting}"
        for setting in (
            "listen_addresses=''",
            f"unix_socket_directories={directory}",
            "shared_buffers=512MB",
            "maintenance_work_mem=512MB",
            "max_wal_size=8GB",
        )
    )
    with suppress(FileNotFoundError):
        (data / "postmaster.pid").unlink()
    run("pg_ctl", "-w", "-o", options, "-l", directory / "log", "start")
    try:
        yield f"postgresql+psycopg://gate@/postgres?host={directory}"
    finally:
        run("pg_ctl", "-m", "fast", "-w", "stop")


def _into_postgresql(database: Database, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    with database.engine.connect() as connection:
        # Foreign keys are not looked at: every row is a copy of one for which they held.
        connection.execute(text("SET session_replication_role = replica"))
        indexes = connection.execute(
            text(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint WHERE conname = indexname)"
            ),
            {"table": table.name},
        ).all()
        for name, _ in indexes:
            connection.execute(text(f"DROP INDEX {name}"))
        driver: Any = connection.connection.dbapi_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_types(table))
            for row in rows:
                copy.write_row(row)
        for _, created in indexes:
            connection.execute(text(created))
        connection.commit()
        connection.execute(text("SET session_replication_role = DEFAULT"))


_TYPES = {
    "TEXT": "text",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int2",
    "BLOB": "bytea",
    "BOOLEAN": "bool",
}
"""PostgreSQL's names of types by SQLite's, of those that the tables have."""


def _types(table: Table) -> list[str]:
    dialect = sqlite.dialect()  # type: ignore[no-untyped-call]
    return [_TYPES[str(column.type.compile(dialect=dialect))] for column in table.c]


# ------------------------------------------------------------------ both


def kept_sizes() -> list[int]:
    """How many studies the databases hold that are kept in both kinds."""
    sizes = (int(directory.name.removeprefix("sqlite-")) for directory in KEPT.glob("sqlite-*"))
    return sorted(
        size
        for size in sizes
        if all(is_kept(KEPT / f"{kind}-{size}", size) for kind in ("sqlite", "postgresql"))
    )


def is_kept(directory: Path, studies: int) -> bool:
    """Whether a database was filled there by this loader, with these tables."""
    file = directory / _STAMP
    return file.exists() and file.read_text() == stamp(studies)


def _keep(directory: Path, studies: int) -> None:
    (directory / _STAMP).write_text(stamp(studies))


def _fill(
    url: str,
    studies: int,
    bulk: Callable[[Database, Table, Iterable[Sequence[Any]]], None],
    told: Callable[[str], None],
) -> None:
    database = open_database(url)
    try:
        loading.load(database, studies, bulk, told, with_series=studies <= SERIES_UP_TO)
        if database.flavour is Flavour.POSTGRESQL:
            # In time it would do so by itself; and what was just written is looked through once here,
            # not by whoever asks first.
            with database.apart() as connection:
                connection.execute(text("VACUUM (ANALYZE)"))
    finally:
        database.close()
