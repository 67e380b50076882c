from dataclasses import replace

import pytest

from pacsgate.model.access import PacsPlace
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.resource import TenantName
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.services.access.desk import OPERATIONS_OF_THE_DESK
from tests.support.doors import PLACE, Site

CARD = {"format": "uid-hex", "value": "04a1b2c3"}


def an_identity(site: Site, identity_id: str = "e-1") -> Outcome:
    return site.ask("IdentityCreate", {"identityId": identity_id, "name": "Ada Reis"})


def test_the_desk_carries_out_every_operation_but_policies() -> None:
    assert OPERATIONS.keys() - OPERATIONS_OF_THE_DESK.keys() == {"PolicyPublish"}
    assert OPERATIONS_OF_THE_DESK.keys() <= OPERATIONS.keys()


def test_an_operation_that_the_pacs_does_not_know_says_so(site: Site) -> None:
    assert site.ask("IdentityPinCreate").status == 501


def test_a_command_that_is_shown_again_is_answered_as_it_was_and_not_done_again(site: Site) -> None:
    order = site.command("IdentityCreate", {"name": "Ada Reis"}, message_id="m-once")
    first = site.desk.execute(order)

    assert first.status == 201
    assert site.new_process().execute(replace(order, attempt=2)) == first
    assert len(site.store.identities(PLACE, "", 10)) == 1
    assert len(site.doors.settled_with) == 1


def test_a_refusal_that_is_shown_again_is_the_same_refusal(site: Site) -> None:
    order = site.command("IdentityRemove", identity="e-1", message_id="m-once")
    refused = site.desk.execute(order)
    an_identity(site)

    assert refused.status == 404
    assert site.desk.execute(order) == refused
    assert site.store.identity(PLACE, "e-1") is not None


def test_a_question_is_answered_anew_each_time_and_never_kept(site: Site) -> None:
    question = site.command("IdentityGet", identity="e-1", message_id="m-asked")

    assert site.desk.execute(question).status == 404
    an_identity(site)
    assert site.desk.execute(question).status == 200
    assert site.store.executed(PLACE, "m-asked") is None


@pytest.mark.parametrize("failure", [RuntimeError("the controller is away"), OSError()])
def test_nothing_is_done_and_nothing_remembered_when_the_pacs_fails(site: Site, failure: Exception) -> None:
    order = site.command("IdentityCreate", {"identityId": "e-1", "name": "Ada Reis"})
    site.doors.failure = failure

    with pytest.raises(type(failure)):
        site.desk.execute(order)

    assert site.store.identity(PLACE, "e-1") is None
    assert site.doors.committed == 0
    site.doors.failure = None
    assert site.desk.execute(order).status == 201
    assert site.doors.committed == 1


def test_one_pacs_knows_nothing_of_the_people_of_another(site: Site) -> None:
    an_identity(site)
    site.ask("IdentityCredentialCreate", CARD, identity="e-1")
    elsewhere = PacsPlace(TenantName("south"), PLACE.pacs)

    def ask(operation: str, body: object = None, **ids: str) -> int:
        return site.desk.execute(site.command(operation, body, place=elsewhere, **ids)).status

    assert ask("IdentityGet", identity="e-1") == 404
    assert ask("IdentityCredentialCreate", CARD, identity="e-1") == 404
    assert ask("IdentityCreate", {"identityId": "e-1", "name": "Bo Lund"}) == 201
    assert ask("IdentityCredentialCreate", CARD, identity="e-1") == 201
    assert ask("IdentityRemove", identity="e-1") == 204
    assert site.ask("IdentityGet", identity="e-1").status == 200
    assert site.lets_in("uid-hex", "04A1B2C3", "lobby") == "no-access-unit"


def test_lists_come_in_pages_that_miss_nothing(site: Site) -> None:
    names = [f"e-{number}" for number in range(5)]
    for name in names:
        an_identity(site, name)
    found: list[str] = []
    parameters = {"limit": "2"}
    while True:
        body = site.listing("IdentityList", parameters).body
        found += [each["identityId"] for each in body["identities"]]
        if body["next"] is None:
            break
        parameters = {"limit": "2", "cursor": body["next"]}

    assert found == names


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "²"},
        {"limit": "-1"},
        {"limit": "0000199999999999999999999"},
        {"limit": "9" * 5000},
        {"cursor": "e\x001"},
        {"cursor": "\ud800"},
        {"size": "3"},
    ],
)
def test_a_page_that_cannot_be_is_refused(site: Site, parameters: dict[str, str]) -> None:
    assert site.listing("IdentityList", parameters).status == 400
