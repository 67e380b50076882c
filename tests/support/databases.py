"""Databases for tests: an SQLite file each, or a database each in one throwaway PostgreSQL.

What tests are given has its tables already: it is a copy of one that was migrated once, for migrating takes
ten times as long.  `empty_…` is for those who look at the migrations themselves.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from pacsgate.stores.database import Database, open_database
from tests.support.servers import find_program

_number = count(1)
_TEMPLATE = "migrated"


def sqlite_url(directory: Path) -> str:
    """Of a new file, with its tables."""
    path = _new_file(directory)
    path.write_bytes(migrated_sqlite())
    return f"sqlite:///{path}"


def empty_sqlite_url(directory: Path) -> str:
    """Of a file that is not there yet."""
    return f"sqlite:///{_new_file(directory)}"


def _new_file(directory: Path) -> Path:
    return directory / f"gate{next(_number)}.db"


@cache
def migrated_sqlite() -> bytes:
    """A database in which nothing is but its tables."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        open_database(f"sqlite:///{path}").close()
        return path.read_bytes()


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def cluster() -> Iterator["Cluster"]:
    # Not in pytest's directory: PostgreSQL runs as another user, who may not look into it.
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        started = Cluster(Path(directory))
        started.start()
        try:
            yield started
        finally:
            started.stop()


class Cluster:
    """A PostgreSQL that listens on a socket in its own directory only, and is thrown away."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._data = directory / "data"
        self._has_template = False
        self._as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []

    def start(self) -> None:
        if self._as_postgres:
            shutil.chown(self._directory, "postgres", "postgres")
        self._run(
            "initdb",
            "--pgdata",
            self._data,
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={self._directory} -c fsync=off"
        self._run(
            "pg_ctl", "--pgdata", self._data, "-w", "-o", options, "-l", self._directory / "log", "start"
        )

        # No superuser, as in an installation: the server would not keep one to its tenant.
        self._as_superuser("CREATE ROLE gate LOGIN")

    def stop(self) -> None:
        self._run("pg_ctl", "--pgdata", self._data, "-m", "immediate", "stop")

    def url(self) -> str:
        """Of a new database, with its tables."""
        if not self._has_template:
            self._create(_TEMPLATE, "template1")
            open_database(self._url("gate", _TEMPLATE)).close()
            self._has_template = True
        return self._created(_TEMPLATE)

    def empty_url(self) -> str:
        """Of a new, empty database."""
        return self._created("template1")

    def drop(self, url: str) -> None:
        """Remove a database, which nobody may use any more."""
        self._as_superuser(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def superuser_url(self, url: str) -> str:
        """The same database, as somebody whom row-level security does not keep out."""
        return url.replace("//gate@", "//postgres@")

    def _created(self, template: str) -> str:
        name = f"gate{next(_number)}"
        self._create(name, template)
        return self._url("gate", name)

    def _create(self, name: str, template: str) -> None:
        self._as_superuser(f"CREATE DATABASE {name} TEMPLATE {template} OWNER gate")

    def _url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self._directory}"

    def _as_superuser(self, statement: str) -> None:
        engine = create_engine(self._url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._as_postgres, str(find_program(program)), *map(str, arguments)]
        # Not captured through a pipe: the server that pg_ctl leaves behind would hold it open.
        with tempfile.TemporaryFile() as told:
            if subprocess.run(command, check=False, stdout=told, stderr=told, cwd="/").returncode:
                told.seek(0)
                raise RuntimeError(f"{program}: {told.read().decode(errors='replace')}")
