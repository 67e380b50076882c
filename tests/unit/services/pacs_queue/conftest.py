from collections.abc import Iterator
from itertools import count

import pytest

from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.stores.database import Database
from tests.support.databases import opened, sqlite_url
from tests.support.queue_desk import Desk

_tenants = count(1)


@pytest.fixture(scope="session")
def queue_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with opened(sqlite_url(tmp_path_factory.mktemp("queue"))) as database:
        yield database


@pytest.fixture
def desk(queue_database: Database) -> Desk:
    """In a tenant of its own."""
    return Desk(queue_database, TenantScope(TenantName(f"t{next(_tenants)}")))
