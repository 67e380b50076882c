"""What every store of links promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import Level, TenantName, TenantScope
from pacsgate.model.share import SharedObject
from pacsgate.ports.shares import ShareRecord
from pacsgate.stores.stores import Stores
from tests.support.indexing import MAIN, SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
EVENT = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, SEEN, Actor("op", verified=True))
OBJECTS = (SharedObject(Level.STUDY, "a" * 44, "1.2.3"), SharedObject(Level.SERIES, "b" * 44, "1.2.4"))
LINK = ShareRecord(
    "00",
    bytes(32),
    MAIN,
    "orthanc",
    "ohif-viewer-publication",
    "case \u5c71",
    OBJECTS,
    SEEN,
    SEEN + timedelta(days=1),
)


def test_a_link_comes_back_as_it_was_with_its_tenant(stores: Stores) -> None:
    stores.shares.add_share(SCOPE, LINK, EVENT)
    assert stores.shares.share("00") == (SCOPE.tenant, LINK)
    assert stores.shares.share("00\0") is None
    assert stores.shares.share("01") is None


def test_links_are_listed_oldest_first_within_their_tenant(stores: Stores) -> None:
    later = replace(LINK, share_id="a", created_at=SEEN + timedelta(seconds=1))
    for link in (later, LINK):
        stores.shares.add_share(SCOPE, link, EVENT)
    assert stores.shares.shares(SCOPE) == (LINK, later)
    assert stores.shares.shares(OTHER) == ()


def test_a_revoked_link_stays_revoked_from_the_first_moment(stores: Stores) -> None:
    stores.shares.add_share(SCOPE, LINK, EVENT)
    for at in (SEEN, SEEN + timedelta(hours=1)):
        stores.shares.revoke_share(SCOPE, "00", at, EVENT)
    found = stores.shares.share("00")
    assert found is not None
    assert found[1].revoked_at == SEEN


def test_nobody_revokes_a_link_of_another_tenant(stores: Stores) -> None:
    stores.shares.add_share(SCOPE, LINK, EVENT)
    with pytest.raises(NotFoundError):
        stores.shares.revoke_share(OTHER, "00", SEEN, EVENT)
    assert stores.shares.share("00") == (SCOPE.tenant, LINK)


def test_links_and_their_events_are_one_change(stores: Stores) -> None:
    before = len(stores.outbox.pending())
    stores.shares.add_share(SCOPE, LINK, EVENT)
    stores.shares.revoke_share(SCOPE, "00", SEEN, EVENT)
    assert len(stores.outbox.pending()) == before + 2


def test_a_link_moves_no_epoch(stores: Stores) -> None:
    before = stores.epochs.current()
    stores.shares.add_share(SCOPE, LINK, EVENT)
    assert stores.epochs.current() == before


def test_links_that_ended_long_ago_are_forgotten(stores: Stores) -> None:
    stores.shares.add_share(SCOPE, LINK, EVENT)
    assert stores.shares.forget_shares(SCOPE, LINK.expires_at) == 0
    assert stores.shares.forget_shares(SCOPE, LINK.expires_at + timedelta(seconds=1)) == 1
    assert stores.shares.shares(SCOPE) == ()
