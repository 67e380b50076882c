"""What every store of identity links promises."""

from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.ports.identity_sources import IdentityLink
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
ANNA = IdentityLink("idp", "1001", "anna", SEEN)


def test_a_link_is_found_by_source_and_id(stores: Stores, another_process: Stores) -> None:
    stores.identity_links.link(SCOPE, ANNA)
    for links in (stores.identity_links, another_process.identity_links):
        assert links.linked(SCOPE, "idp", "1001") == ANNA
        assert links.linked(SCOPE, "other", "1001") is None
        assert links.linked(SCOPE, "idp", "1002") is None
        assert links.linked(OTHER, "idp", "1001") is None


def test_ids_are_compared_letter_by_letter(stores: Stores) -> None:
    stores.identity_links.link(SCOPE, IdentityLink("idp", "AbC", "anna", SEEN))
    for near in ("abc", "AbC ", "AbC\0"):
        assert stores.identity_links.linked(SCOPE, "idp", near) is None


@pytest.mark.parametrize(
    "second",
    [
        IdentityLink("idp", "1001", "olga", SEEN),
        IdentityLink("idp", "1002", "anna", SEEN),
        IdentityLink("idp", "1001", "anna", SEEN + timedelta(hours=1)),
    ],
    ids=["another account", "another person", "again"],
)
def test_a_person_is_one_account_and_an_account_one_person_of_a_source(
    stores: Stores, second: IdentityLink
) -> None:
    stores.identity_links.link(SCOPE, ANNA)
    with pytest.raises(ConflictError):
        stores.identity_links.link(SCOPE, second)
    assert stores.identity_links.links(SCOPE) == (ANNA,)


def test_an_account_may_be_known_to_several_sources(stores: Stores) -> None:
    card = IdentityLink("cards", "7", "anna", SEEN)
    stores.identity_links.link(SCOPE, ANNA)
    stores.identity_links.link(SCOPE, card)
    assert stores.identity_links.links(SCOPE, user="anna") == (card, ANNA)
    assert stores.identity_links.links(SCOPE, source="idp") == (ANNA,)
    assert stores.identity_links.links(SCOPE, source="idp", user="olga") == ()


def test_a_link_that_is_forgotten_moves_the_users_epoch(stores: Stores) -> None:
    stores.identity_links.link(SCOPE, ANNA)
    before = stores.epochs.current().users
    stores.identity_links.unlink(SCOPE, "idp", "1001")
    assert stores.identity_links.links(SCOPE) == ()
    assert stores.epochs.current().users > before


def test_links_go_with_their_account(stores: Stores) -> None:
    event = AuditEvent(EventKind.USER_CHANGED, SEEN, Actor("local:op", verified=True))
    stores.directory.add_user(SCOPE, UserRecord("anna", "user"), event)
    stores.identity_links.link(SCOPE, ANNA)
    stores.directory.remove_user(SCOPE, "anna", event)
    assert stores.identity_links.links(SCOPE) == ()
