import re
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from pacsgate.model.errors import SettingsError
from pacsgate.stores.database import open_database
from pacsgate.stores.migrate import _HERE
from pacsgate.stores.schema import metadata
from tests.support.databases import cluster, empty_sqlite_url, opened


def definitions(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
        return {_normal(sql) for sql in found if "alembic" not in sql and "sqlite_stat1" not in sql}


def _normal(sql: str) -> str:
    """Definitions that differ in layout, in the order of constraints or in what older rows got are the same."""
    head, _, body = re.sub(r"[\s\"]+", " ", re.sub(r" DEFAULT ('[^']*'|\d+)", "", sql)).partition("(")
    parts = re.split(r",\s*(?![^()]*\))", body.strip())
    last = parts.pop()
    inner, _, options = last.rpartition(")")
    return f"{head.strip()}({sorted(part.strip() for part in [*parts, inner])}){options.strip()}"


def test_the_revisions_together_make_the_schema(tmp_path: Path) -> None:
    plain = create_engine(empty_sqlite_url(tmp_path))
    metadata.create_all(plain)
    with opened(empty_sqlite_url(tmp_path)) as migrated:
        assert definitions(migrated.engine) == definitions(plain)
    plain.dispose()


@pytest.mark.server("postgresql")
def test_the_revisions_make_the_schema_on_postgresql_too() -> None:
    with cluster() as server, opened(server.empty_url()) as database, database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_there_is_one_line_of_revisions() -> None:
    scripts = ScriptDirectory(str(_HERE))
    assert len(scripts.get_heads()) == len(scripts.get_bases()) == 1


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    url = empty_sqlite_url(tmp_path)
    with opened(url) as first:
        before = definitions(first.engine)
    with opened(url) as second:
        assert definitions(second.engine) == before


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = empty_sqlite_url(tmp_path)
    problems: list[Exception] = []

    def start() -> None:
        try:
            open_database(url).close()
        except Exception as problem:  # noqa: BLE001 - reported below
            problems.append(problem)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_database_that_a_newer_version_wrote_is_left_alone(tmp_path: Path) -> None:
    url = empty_sqlite_url(tmp_path)
    with opened(url) as database, database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    with pytest.raises(SettingsError, match="9999_later"):
        open_database(url)


def test_a_revision_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op  # noqa: PLC0415 - patched here

    real, made = op.create_table, []

    def failing(*arguments: object, **options: object) -> object:
        made.append(arguments)
        if len(made) == 5:
            raise OSError("disk full")
        return real(*arguments, **options)

    monkeypatch.setattr(op, "create_table", failing)
    url = empty_sqlite_url(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        open_database(url)
    plain = create_engine(url)
    assert definitions(plain) == set()
    plain.dispose()
    monkeypatch.setattr(op, "create_table", real)
    with opened(url) as database:
        assert definitions(database.engine)
