from datetime import timedelta

import pytest

from pacsgate.audit.events import REASON_GIVEN, EventKind
from pacsgate.identity.credentials import PasswordCredential, read_credentials
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.refusals import Cause
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports.assertions import Claims
from pacsgate.ports.locks import LockTarget
from tests.support.people import PASSWORD, SCOPE, People, begin_session

USER, DEVICE = LockTarget.USER, LockTarget.DEVICE


def is_let_in(people: People, credentials) -> bool:
    return isinstance(people.authenticator.authenticate(credentials, people.context()), Subject)


def test_a_lock_refuses_password_and_token_at_the_very_next_request_and_lifting_it_lets_them_in(
    people: People,
) -> None:
    token = people.tokens.issue(
        people.change(), "rad1", label="x", expires_at=people.clock.now() + timedelta(days=1), actions=None
    )
    ways = [PasswordCredential("rad1", PASSWORD), read_credentials(f"Bearer {token.text}", None)]
    assert all(is_let_in(people, way) for way in ways)
    people.lock_desk.lock(people.change(), USER, "rad1", reason="laptop stolen")
    assert not any(is_let_in(people, way) for way in ways)
    people.lock_desk.unlock(people.change(), USER, "rad1")
    assert all(is_let_in(people, way) for way in ways)


def test_a_lock_ends_sessions_for_good(people: People) -> None:
    """ASVS 7.4.2."""
    begin_session(people, "rad1")
    people.lock_desk.lock(people.change(), USER, "rad1", reason="laptop stolen")
    people.lock_desk.unlock(people.change(), USER, "rad1")
    assert people.directory.sessions(SCOPE, user="rad1") == ()


def test_a_lock_ends_by_itself_when_it_says_so(people: People) -> None:
    way = PasswordCredential("rad1", PASSWORD)
    ends = people.clock.now() + timedelta(hours=1)
    people.lock_desk.lock(people.change(), USER, "rad1", reason="on leave", until=ends)
    assert not is_let_in(people, way)
    people.clock.advance(seconds=3601)
    assert is_let_in(people, way)


def test_a_lock_tells_the_record_who_set_it_and_why(people: People) -> None:
    people.lock_desk.lock(people.change(), USER, "rad1", reason="laptop stolen")
    people.lock_desk.unlock(people.change(), USER, "rad1")
    told = [(event.kind, event.details["change"]) for event in people.trail.events]
    assert told == [(EventKind.USER_CHANGED, "locked"), (EventKind.USER_CHANGED, "unlocked")]
    assert people.trail.events[0].details[REASON_GIVEN] == "laptop stolen"


def test_a_device_is_locked_by_its_title(people: People) -> None:
    added = people.change().event(EventKind.DEVICE_CHANGED, "added", "CT1")
    people.remote_aes.add_remote_ae(SCOPE, RemoteAe("CT1", owner="op"), added)
    assert people.lock_desk.target_of(SCOPE, "CT1") is DEVICE
    people.lock_desk.lock(people.change(), DEVICE, "CT1", reason="lent out")
    found = people.remote_aes.remote_ae(SCOPE, "CT1")
    assert found is not None
    assert not found.is_valid(people.clock.now())


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 401])
def test_a_lock_without_a_reason_that_one_can_read_is_refused(people: People, reason: str) -> None:
    with pytest.raises(RequestError):
        people.lock_desk.lock(people.change(), USER, "rad1", reason=reason)
    assert people.lock_desk.locks(SCOPE) == ()


def test_what_does_not_exist_and_what_ends_in_the_past_is_not_locked(people: People) -> None:
    for target, name in ((USER, "nobody"), (DEVICE, "rad1")):
        with pytest.raises(NotFoundError):
            people.lock_desk.lock(people.change(), target, name, reason="x")
    with pytest.raises(NotFoundError):
        people.lock_desk.target_of(SCOPE, "nobody")
    with pytest.raises(RequestError):
        people.lock_desk.lock(people.change(), USER, "rad1", reason="x", until=people.clock.now())
    assert people.lock_desk.locks(SCOPE) == ()


def test_a_lock_on_a_name_holds_for_whoever_is_first_told_of_under_it(people: People) -> None:
    people.lock_desk.lock(people.change(), USER, "rad1", reason="left in anger")
    people.users.remove(people.change(), "rad1")
    source = SourcePolicy("keycloak", AccountsMode.CLAIMS)
    accounts = FederatedAccounts(people.directory, people.identity_links, (source,))
    ends = people.clock.now() + timedelta(hours=1)
    claims = Claims("https://issuer.example", "rad1", ends, source="keycloak", external_id="7")
    context = people.context()
    told = accounts.admit(source, claims, Credential.SESSION, context)
    assert told is Cause.LOCKED_USER
    people.lock_desk.unlock(people.change(), USER, "rad1")
    assert isinstance(accounts.admit(source, claims, Credential.SESSION, context), Subject)
