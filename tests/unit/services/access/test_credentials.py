from datetime import timedelta
from typing import Any

import pytest

from pacsgate.services.access.rules import DeskRules
from tests.support.doors import PLACE, Site, open_site

CARD = {"credentialId": "c-1", "format": "uid-hex", "value": "04a1b2c3"}


@pytest.fixture
def site(tmp_path) -> Site:
    site = open_site(tmp_path, DeskRules(most_credentials=2))
    for identity in ("e-1", "e-2"):
        site.ask("IdentityCreate", {"identityId": identity, "name": "Ada Reis"})
        site.ask("IdentityAccessUnitAssign", identity=identity, unit="lobby")
    return site


def give(site: Site, body: Any, identity: str = "e-1") -> Any:
    return site.ask("IdentityCredentialCreate", body, identity=identity)


def door(site: Site, value: str = "04A1B2C3") -> str:
    return site.lets_in("uid-hex", value, "lobby")


def test_a_card_opens_what_its_holder_may_enter(site: Site) -> None:
    assert give(site, CARD).body["value"] == "04A1B2C3"
    assert door(site) == "open"
    assert site.lets_in("uid-hex", "04A1B2C3", "reading-room") == "no-access-unit"


@pytest.mark.parametrize("identity", ["e-1", "e-2"])
def test_a_value_is_of_one_credential_of_its_format_however_it_is_written(site: Site, identity: str) -> None:
    give(site, CARD)

    again = give(site, {"format": "uid-hex", "value": "04A1b2C3"}, identity)

    assert again.status == 409
    assert "04A1" not in str(again.body)
    assert give(site, {"format": "pin", "value": "04123"}, identity).status == 201


def test_the_value_of_a_removed_card_is_free(site: Site) -> None:
    give(site, CARD)
    assert site.ask("IdentityCredentialRemove", identity="e-1", credential="c-1").status == 204
    assert give(site, CARD, "e-2").status == 201


def test_activation_and_its_reverse_may_be_said_twice(site: Site) -> None:
    give(site, CARD | {"active": False})
    ids = {"identity": "e-1", "credential": "c-1"}
    assert door(site) == "credential-inactive"

    first = site.ask("IdentityCredentialActivate", **ids)
    assert (first, door(site)) == (site.ask("IdentityCredentialActivate", **ids), "open")

    first = site.ask("IdentityCredentialDeactivate", **ids)
    assert (first, door(site)) == (site.ask("IdentityCredentialDeactivate", **ids), "credential-inactive")


def test_a_credential_of_somebody_else_does_not_exist(site: Site) -> None:
    give(site, CARD)

    for operation in ("Get", "Remove", "Activate", "Deactivate"):
        found = site.ask(f"IdentityCredential{operation}", identity="e-2", credential="c-1")
        assert found.status == 404
    assert door(site) == "open"


@pytest.mark.parametrize(
    "body",
    [
        {"format": "retina", "value": "1"},
        {"format": "uid-hex", "value": "xyz"},
        {"format": "uid-hex", "value": ""},
        {"format": "uid-hex"},
        {"format": "uid-hex", "value": "0" * 10_000_000},
        {"format": "uid-hex", "value": 4},
        {"value": "04a1b2c3"},
        CARD | {"validTo": "2001-01-01T00:00:00Z"},
        CARD | {"credentialId": "../x"},
        CARD | {"holder": "e-2"},
        None,
        [],
    ],
)
def test_a_credential_that_cannot_be_is_refused_and_not_half_made(site: Site, body: Any) -> None:
    refused = give(site, body)

    assert refused.status == 400
    assert len(refused.body["message"]) < 500
    assert site.ask("IdentityCredentialList", identity="e-1").body["credentials"] == []


def test_nobody_holds_more_credentials_than_the_pacs_takes(site: Site) -> None:
    give(site, CARD)
    give(site, {"format": "pin", "value": "1"})

    assert give(site, {"format": "pin", "value": "2"}).status == 409


def test_a_card_and_its_holder_are_valid_for_their_time_and_no_longer(site: Site) -> None:
    now = site.clock.now()
    hour = timedelta(hours=1)
    give(site, CARD | {"validFrom": (now + hour).isoformat(), "validTo": (now + 3 * hour).isoformat()})
    assert door(site) == "credential-not-yet-valid"
    site.wait(hour)
    assert door(site) == "open"

    said = {"name": "Ada Reis", "validTo": (now + 2 * hour).isoformat()}
    assert site.ask("IdentityUpdate", said, identity="e-1").status == 200
    site.wait(hour)
    assert door(site) == "no-longer-valid"
    site.ask("IdentityUpdate", {"name": "Ada Reis"}, identity="e-1")
    site.wait(hour)
    assert door(site) == "credential-no-longer-valid"


def test_with_an_identity_go_its_cards_and_units(site: Site) -> None:
    give(site, CARD)
    assert site.ask("IdentityRemove", identity="e-1").status == 204

    assert door(site) == "unknown-credential"
    assert site.ask("AccessUnitIdentityList", unit="lobby").body["identities"] == [{"identityId": "e-2"}]
    before, after, _ = site.doors.settled_with[-1]
    assert before is not None
    assert after is None
    assert site.ask("IdentityCreate", {"identityId": "e-1", "name": "Bo Lund"}).status == 201
    assert site.ask("IdentityAccessUnitList", identity="e-1").body["accessUnits"] == []
    assert site.store.credentials(PLACE, site.holder("identity", "e-1").key) == []
