"""Databases for tests: a fresh SQLite file each, or a schema each in one throwaway PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

from pacsgate.stores.database import Database, open_database
from tests.support.servers import find_program

_number = count(1)


def sqlite_url(directory: Path) -> str:
    return f"sqlite:///{directory / f'gate{next(_number)}.db'}"


def copied_sqlite(directory: Path) -> str:
    """The same with the tables made already: a copy, which takes a tenth of the time."""
    path = directory / f"gate{next(_number)}.db"
    path.write_bytes(_migrated())
    return f"sqlite:///{path}"


@cache
def _migrated() -> bytes:
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
        """Of a new, empty schema."""
        name = f"gate{next(_number)}"
        self._as_superuser(f"CREATE SCHEMA {name} AUTHORIZATION gate")
        return f"{self._url('gate')}&options=-csearch_path%3D{name}"

    def superuser_url(self, url: str) -> str:
        """The same schema, as somebody whom row-level security does not keep out."""
        return url.replace("//gate@", "//postgres@")

    def _url(self, role: str) -> str:
        return f"postgresql+psycopg://{role}@/postgres?host={self._directory}"

    def _as_superuser(self, statement: str) -> None:
        engine = create_engine(self._url("postgres"))
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str | Path) -> None:
        command = [*self._as_postgres, str(find_program(program)), *map(str, arguments)]
        # Not captured through a pipe: the server that pg_ctl leaves behind would hold it open.
        with tempfile.TemporaryFile() as told:
            if subprocess.run(command, check=False, stdout=told, stderr=told, cwd="/").returncode:
                told.seek(0)
                raise RuntimeError(f"{program}: {told.read().decode(errors='replace')}")
