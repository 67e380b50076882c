"""Calls are counted once, also when they cannot be written at first."""

from pathlib import Path

import pytest

from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.ports.tenants import TenantStore
from pacsgate.services.call_counts import CallCounter
from pacsgate.stores.stores import stores_on
from tests.support.clocks import HandClock
from tests.support.databases import opened, sqlite_url


class Unwilling:
    """A store that cannot be written to, for once."""

    def __init__(self, store: TenantStore) -> None:
        self.store = store
        self.fails = True

    def add_calls(self, *args: object) -> None:
        if self.fails:
            raise OSError("the disk is full")
        self.store.add_calls(*args)  # type: ignore[arg-type]


def test_what_cannot_be_written_now_is_written_later_and_once(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as database:
        store = Unwilling(stores_on(database).tenants)
        counter = CallCounter(store, HandClock())  # type: ignore[arg-type]
        counter.count(DEFAULT_TENANT, Permission.PACS_LIST)
        with pytest.raises(OSError, match="full"):
            counter.write()
        counter.count(DEFAULT_TENANT, Permission.PACS_LIST)
        store.fails = False
        for _ in range(2):
            counter.write()
        assert dict(store.store.calls(TenantScope(DEFAULT_TENANT)).calls) == {"PacsList": 2}
