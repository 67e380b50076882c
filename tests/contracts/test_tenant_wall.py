"""The second line between tenants: what PostgreSQL keeps apart when a statement forgets to."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.stores.columns import metadata
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.people_schema import account
from pacsgate.stores.stores import stores_on
from pacsgate.stores.tenant_wall import ANY_TENANT, UNWALLED, is_bypassed
from tests.support.databases import Cluster
from tests.support.events import READ

NORTH, SOUTH = TenantScope(TenantName("north")), TenantScope(TenantName("south"))
pytestmark = pytest.mark.server("postgresql")


@pytest.fixture(scope="module")
def url(postgresql: Cluster) -> str:
    return postgresql.url()


@pytest.fixture(scope="module")
def walled(url: str) -> Iterator[Database]:
    """Two tenants with an Ann each."""
    opened = open_database(url)
    for scope in (NORTH, SOUTH):
        stores_on(opened).directory.add_user(
            scope, UserRecord("ann", "user", display_name=scope.tenant), READ
        )
    yield opened
    opened.close()


def test_every_table_with_tenants_is_walled_whoever_owns_it(walled: Database) -> None:
    walls = (
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid WHERE relrowsecurity"
        " AND relforcerowsecurity AND relnamespace = current_schema()::regnamespace"
    )
    with walled.reading(ANY_TENANT) as connection:
        found = set(connection.execute(text(walls)).scalars())
    assert found == {table.name for table in metadata.tables.values() if "tenant" in table.c} - UNWALLED


def test_a_statement_that_forgot_its_tenant_reads_nothing_of_another(walled: Database) -> None:
    forgetful = select(account.c.display_name)
    for scope in (NORTH, SOUTH):
        with walled.reading(scope.tenant) as connection:
            assert list(connection.execute(forgetful).scalars()) == [scope.tenant]
        with walled.writing(scope.tenant) as connection:
            assert list(connection.execute(forgetful).scalars()) == [scope.tenant]
        with walled.snapshot(scope.tenant) as snapshot:
            assert snapshot.rows("SELECT display_name FROM account", {}) == [(scope.tenant,)]
    with walled.reading(ANY_TENANT) as connection:
        assert len(list(connection.execute(forgetful))) == 2


def test_a_statement_that_forgot_its_tenant_changes_nothing_of_another(walled: Database) -> None:
    with walled.writing(NORTH.tenant) as connection:
        assert connection.execute(update(account).values(disabled=False)).rowcount == 1
        moving = update(account).values(tenant=SOUTH.tenant, name="eve")
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(moving)
        connection.rollback()


def test_who_has_not_said_whose_rows_sees_none_whatever_the_connection_did_before(walled: Database) -> None:
    for tenant in (ANY_TENANT, NORTH.tenant):
        with walled.reading(tenant) as connection:
            assert connection.execute(select(account.c.name)).first() is not None
    for _ in range(3):
        with walled.engine.connect() as connection:
            assert connection.execute(select(account.c.name)).all() == []


@pytest.mark.parametrize("tenant", ["", "*", "nowhere", "north'; SET pacsgate.tenant = '*", "**", "n\0"])
def test_a_text_that_is_no_tenant_of_anybody_opens_nothing(walled: Database, tenant: str) -> None:
    with walled.reading(tenant) as connection:
        assert connection.execute(select(account.c.name)).all() == []
    with walled.snapshot(tenant) as snapshot:
        assert snapshot.rows("SELECT name FROM account", {}) == []


def test_in_a_transaction_of_several_stores_each_sees_its_own_tenant(walled: Database) -> None:
    directory = stores_on(walled).directory
    with walled.together():
        assert [user.display_name for user in directory.users(NORTH)] == ["north"]
        assert [user.display_name for user in directory.users(SOUTH)] == ["south"]
        with walled.writing(NORTH.tenant) as connection:
            with walled.reading(SOUTH.tenant) as inner:
                assert list(inner.execute(select(account.c.tenant)).scalars()) == ["south"]
            assert list(connection.execute(select(account.c.tenant)).scalars()) == ["north"]


def test_a_superuser_is_not_kept_apart_and_that_is_noticed(
    walled: Database, postgresql: Cluster, url: str
) -> None:
    del walled
    assert not is_bypassed(url)
    assert is_bypassed(postgresql.superuser_url(url))
    assert not is_bypassed("sqlite:///nowhere.db")
    assert not is_bypassed("postgresql://gate@/postgres?host=/nowhere")
