"""What every store of used assertions promises."""

import threading
from datetime import timedelta

from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
SOON = SEEN + timedelta(minutes=5)


def use(
    stores: Stores, assertion_id: str = "_1", issuer: str = "https://idp.example", scope=SCOPE, now=SEEN
) -> bool:
    return stores.used_assertions.use(
        scope, issuer, assertion_id, expires_at=now + timedelta(minutes=5), now=now
    )


def test_an_assertion_is_used_once(stores: Stores, another_process: Stores) -> None:
    assert use(stores)
    assert not use(stores)
    assert not use(another_process)


def test_ids_are_those_of_their_issuer_and_tenant(stores: Stores) -> None:
    assert use(stores)
    assert use(stores, issuer="https://other.example")
    assert use(stores, scope=OTHER)
    assert use(stores, "_2")


def test_an_assertion_is_forgotten_once_it_has_expired_and_not_before(stores: Stores) -> None:
    assert use(stores)
    assert use(stores, "_2", now=SOON - timedelta(seconds=1))
    assert not use(stores)
    assert use(stores, "_3", now=SOON)
    assert use(stores)


def test_of_many_at_once_one_is_the_first(stores: Stores, another_process: Stores) -> None:
    firsts = []
    threads = [
        threading.Thread(target=lambda of=of: firsts.append(use(of))) for of in (stores, another_process) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(firsts) == [False] * 7 + [True]
