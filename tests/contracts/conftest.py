"""The stores on each database that pacsgate runs on, empty for every test."""

from collections.abc import Iterator

import pytest

from pacsgate.ports import StudyIndex
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.databases import Cluster, cluster, sqlite_url


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server("postgresql"))])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("database"))
        return
    server: Cluster = request.getfixturevalue("postgresql")
    url = server.url()
    yield url
    server.drop(url)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def stores(database: Database) -> Stores:
    return stores_on(database)


@pytest.fixture
def index(stores: Stores) -> StudyIndex:
    return stores.index


@pytest.fixture
def another_process(url: str) -> Iterator[Stores]:
    """The same installation, opened a second time."""
    opened = open_database(url)
    yield stores_on(opened)
    opened.close()
