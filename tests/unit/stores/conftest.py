"""A fresh SQLite database for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.stores.database import Database
from tests.support.databases import opened, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(sqlite_url(tmp_path)) as database:
        yield database
