"""What every store of remote application entities promises."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
EVENT = AuditEvent(EventKind.USER_CHANGED, SEEN, Actor("op", verified=True))
CT1 = RemoteAe(
    "CT1",
    account="ct1",
    networks=("10.1.0.0/16", "2001:db8::/32"),
    certificate_sha256="ab" * 32,
    host="ct1.hospital.example",
    port=104,
    tls=True,
    vouches_for=frozenset({"radiographers", "night shift"}),
    owner="radiology",
    description="the one in room \u5c71",
    valid_until=SEEN + timedelta(days=1),
)
BARE = RemoteAe("ARCHIVE", title_is_enough=True, disabled=True)


def test_an_entity_comes_back_as_it_was(stores: Stores) -> None:
    for entity in (CT1, BARE):
        stores.remote_aes.add_remote_ae(SCOPE, entity, EVENT)
        assert stores.remote_aes.remote_ae(SCOPE, entity.ae_title) == entity


def test_entities_are_listed_by_title_within_their_tenant(stores: Stores) -> None:
    for entity in (CT1, BARE):
        stores.remote_aes.add_remote_ae(SCOPE, entity, EVENT)
    stores.remote_aes.add_remote_ae(OTHER, replace(CT1, owner="somebody else"), EVENT)
    assert stores.remote_aes.remote_aes(SCOPE) == (BARE, CT1)


@pytest.mark.parametrize("title", ["ct1", "CT1 ", "CT", "CT11", "CT1\0", "CT_", "%"])
def test_a_title_differs_from_its_look_alikes(stores: Stores, title: str) -> None:
    stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT)
    assert stores.remote_aes.remote_ae(SCOPE, title) is None


def test_a_title_is_taken_once(stores: Stores) -> None:
    stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT)
    with pytest.raises(ConflictError):
        stores.remote_aes.add_remote_ae(SCOPE, replace(CT1, account=None), EVENT)
    assert stores.remote_aes.remote_ae(SCOPE, "CT1") == CT1


def test_an_entity_is_replaced_and_removed_in_its_own_tenant_only(stores: Stores) -> None:
    stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT)
    with pytest.raises(NotFoundError):
        stores.remote_aes.change_remote_ae(OTHER, replace(CT1, disabled=True), EVENT)
    with pytest.raises(NotFoundError):
        stores.remote_aes.remove_remote_ae(OTHER, "CT1", EVENT)
    stores.remote_aes.change_remote_ae(SCOPE, replace(BARE, ae_title="CT1"), EVENT)
    assert stores.remote_aes.remote_ae(SCOPE, "CT1") == replace(BARE, ae_title="CT1")
    stores.remote_aes.remove_remote_ae(SCOPE, "CT1", EVENT)
    assert stores.remote_aes.remote_ae(SCOPE, "CT1") is None


def test_each_change_moves_the_users_epoch_and_leaves_one_event(stores: Stores) -> None:
    changes = (
        lambda: stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT),
        lambda: stores.remote_aes.change_remote_ae(SCOPE, replace(CT1, disabled=True), EVENT),
        lambda: stores.remote_aes.remove_remote_ae(SCOPE, "CT1", EVENT),
    )
    for make in changes:
        before, pending = stores.epochs.current().users, len(stores.outbox.pending())
        make()
        assert stores.epochs.current().users > before
        assert len(stores.outbox.pending()) == pending + 1


def test_a_refused_change_moves_nothing(stores: Stores) -> None:
    stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT)
    before, pending = stores.epochs.current(), len(stores.outbox.pending())
    with pytest.raises(ConflictError):
        stores.remote_aes.add_remote_ae(SCOPE, CT1, EVENT)
    assert stores.epochs.current() == before
    assert len(stores.outbox.pending()) == pending


def test_with_an_account_goes_what_acts_as_it(stores: Stores) -> None:
    for name in ("ct1", "ct2"):
        stores.directory.add_user(SCOPE, UserRecord(name, "device"), EVENT)
    second = replace(CT1, ae_title="CT2", account="ct2")
    for entity in (CT1, second):
        stores.remote_aes.add_remote_ae(SCOPE, entity, EVENT)
    stores.directory.remove_user(SCOPE, "ct1", EVENT)
    assert stores.remote_aes.remote_aes(SCOPE) == (replace(CT1, account=None), second)
