from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.refusals import Cause
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports.assertions import Claims
from pacsgate.services.administer_links import LinkAdministration
from tests.support.people import SCOPE, People

IDP = SourcePolicy("idp")


@pytest.fixture
def desk(people: People) -> LinkAdministration:
    return LinkAdministration(people.office, people.identity_links, people.session_desk)


def admitted(people: People, external_id: str, name: str = "rad1") -> Subject | Cause:
    accounts = FederatedAccounts(people.directory, people.identity_links, [IDP])
    claims = Claims(
        "https://idp.example", name, people.clock.now() + timedelta(hours=1), external_id=external_id
    )
    return accounts.admit(IDP, claims, Credential.ASSERTION, people.context())


def test_somebody_who_is_called_otherwise_there_comes_in_once_linked(
    people: People, desk: LinkAdministration
) -> None:
    assert admitted(people, "1001", "ada.reis") is Cause.UNKNOWN_USER
    desk.add(people.change(), "rad1", "idp", "1001")
    found = admitted(people, "1001", "ada.reis")
    assert isinstance(found, Subject)
    assert found.name == "rad1"
    (link,) = desk.links(SCOPE, "rad1")
    assert (link.source, link.external_id) == ("idp", "1001")
    assert desk.links(SCOPE, "somebody-else") == ()


def test_a_new_id_of_the_same_person_counts_once_the_old_link_is_gone(
    people: People, desk: LinkAdministration
) -> None:
    admitted(people, "1001")
    assert admitted(people, "2002") is Cause.NAME_OF_ANOTHER
    desk.remove(people.change(), "idp", "1001")
    assert isinstance(admitted(people, "2002"), Subject)


def test_taking_a_link_away_ends_the_sessions_that_were_begun_by_it(
    people: People, desk: LinkAdministration
) -> None:
    by_source = admitted(people, "1001")
    assert isinstance(by_source, Subject)
    people.ceilings["idp"] = None
    by_idp = people.pages.begin(by_source, people.context(), previous_cookie=None)
    by_password = people.pages.begin(replace(by_source, source=""), people.context(), previous_cookie=None)
    desk.remove(people.change(), "idp", "1001")
    authenticator = people.new_process()
    found = [
        isinstance(authenticator.authenticate(SessionCredential(each.cookie), people.context()), Subject)
        for each in (by_idp, by_password)
    ]
    assert found == [False, True]


def test_links_are_on_record_and_mistakes_change_nothing(people: People, desk: LinkAdministration) -> None:
    desk.add(people.change(), "rad1", "idp", "1001")
    with pytest.raises(ConflictError):
        desk.add(people.change(), "rad1", "idp", "1002")
    with pytest.raises(NotFoundError, match="no user is called `nobody`"):
        desk.add(people.change(), "nobody", "idp", "1")
    with pytest.raises(RequestError, match="printable"):
        desk.add(people.change(), "rad1", "idp", "")
    with pytest.raises(NotFoundError, match="nobody of id `1002`"):
        desk.remove(people.change(), "idp", "1002")
    desk.remove(people.change(), "idp", "1001")
    told = [
        (event.details["change"], event.details["target"], event.details["external_id"])
        for event in people.trail.of(EventKind.USER_CHANGED)
        if "external_id" in event.details
    ]
    assert told == [("linked", "rad1", "1001"), ("unlinked", "rad1", "1001")]
