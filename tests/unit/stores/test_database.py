import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from pacsgate.model.errors import SettingsError
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.schema import serial
from tests.support.databases import opened, sqlite_url

ROW = insert(serial).values(tenant="default", name="x", value=1)


@pytest.mark.parametrize(
    "url", ["mysql://somewhere/gate", "oracle://", "no url", "", "sqlite://", "sqlite:///:memory:"]
)
def test_a_database_that_cannot_serve_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(SettingsError):
        open_database(url)


def test_a_refused_url_is_not_shown_with_its_password() -> None:
    with pytest.raises(SettingsError) as refused:
        open_database("mysql://gate:secret@somewhere/gate")
    assert "secret" not in refused.value.public


def test_nobody_else_on_the_machine_can_read_the_file(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as database, database.writing() as connection:
        connection.execute(ROW)
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_commit_has_reached_the_disk(database: Database) -> None:
    with database.reading() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def write_twice() -> None:
        with database.writing() as connection:
            connection.execute(ROW)
            connection.execute(ROW)

    with pytest.raises(IntegrityError):
        write_twice()
    with database.reading() as connection:
        assert connection.execute(select(serial).where(serial.c.name == "x")).all() == []


def test_a_reader_sees_one_state_until_it_is_done(database: Database) -> None:
    def write() -> None:
        with database.writing() as other:
            other.execute(ROW)

    with database.reading() as connection:
        before = connection.execute(select(serial)).all()
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        assert connection.execute(select(serial)).all() == before
    with database.reading() as connection:
        assert len(connection.execute(select(serial)).all()) == len(before) + 1
