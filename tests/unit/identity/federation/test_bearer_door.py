"""Tokens in requests: verified once, recalled from memory, and over as soon as anything says so."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event, Semaphore

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.assertions.issuer_keys import read_key_set
from pacsgate.identity.assertions.issuers import ACCESS_TOKEN, JwtIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.identity.credentials import AssertionCredential
from pacsgate.identity.federation.bearer_door import BearerDoor, NoIntrospection
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.oidc.introspection import ASKED_AT_ONCE, ProviderIntrospection
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.assertions import AssertionFault
from tests.support.assertions import RsaSigner, key_set, web_token
from tests.support.clocks import START
from tests.support.openid import API, CLIENT_ID, ISSUER, NAMES, SIGNER, Reception, open_reception
from tests.support.people import SCOPE

REFUSED = AuthenticationFailed(FailureKind.REFUSED)


class Keys:
    """Keys that count how often they are asked for."""

    def __init__(self):
        self.asked = 0

    def keys(self, key_id):  # noqa: ARG002 - the port's
        self.asked += 1
        return read_key_set(key_set(SIGNER))


class Door:
    def __init__(self, reception: Reception):
        self.reception, self.people, self.keys = reception, reception.people, Keys()
        self.issuer = JwtIssuer(
            ISSUER, API, frozenset({"RS256"}), self.keys, NAMES, "idp", types=frozenset({ACCESS_TOKEN})
        )
        self.authenticator = self.people.new_process()
        self.authenticator._bearers = self.bearers(ProviderIntrospection(reception.seen_by_client))

    def bearers(self, introspection):
        people = self.people
        return BearerDoor(
            accounts=self.reception.accounts,
            tokens=JsonWebTokens([self.issuer]),
            introspection=introspection,
            record=SignInRecord(people.trail),
            clock=people.clock,
            latest=LatestTime(people.clock.now()),
        )

    def token(self, signer=SIGNER, header=None, **changed) -> str:
        now = int(self.people.clock.now().timestamp())
        stated = {
            "iss": ISSUER,
            "aud": API,
            "sub": "u-1",
            "client_id": "viewer",
            "preferred_username": "anna",
            "groups": ["radiology"],
            "iat": now,
            "exp": now + 3600,
            "jti": "t-1",
            **changed,
        }
        claims = {name: value for name, value in stated.items() if value is not None}
        return web_token(signer, claims, **{"typ": "at+jwt", **(header or {})}).decode()

    def ask(self, token):
        return self.authenticator.authenticate(AssertionCredential(token), self.people.context())

    def recall(self, token):
        return self.authenticator.recall(AssertionCredential(token), self.people.context())


@pytest.fixture
def door(tmp_path) -> Door:
    return Door(open_reception(tmp_path))


def test_a_token_is_verified_once_and_recalled_from_memory(door):
    """No signature, no database and no network on the hot path."""
    token = door.token()
    assert door.recall(token) is None
    subject = door.ask(token)
    assert isinstance(subject, Subject)
    assert (subject.name, subject.source, subject.groups) == ("anna", "idp", {"radiology"})
    assert (subject.credential, subject.credential_id) == (Credential.ASSERTION, ISSUER)
    assert door.recall(token) is None, "its account was just made, so people have changed"
    subject = door.ask(token)
    assert door.recall(token) is subject is door.ask(token)
    assert door.keys.asked == 1
    assert len(door.people.trail.of(EventKind.SIGN_IN)) == 1


def test_what_changes_about_people_is_looked_up_without_verifying_again(door):
    token = door.token()
    door.ask(token)
    door.people.users.add(door.people.change(), "somebody-else")
    assert door.recall(token) is None
    assert isinstance(door.ask(token), Subject)
    assert door.keys.asked == 1
    door.people.users.set_disabled(door.people.change(), "anna", disabled=True)
    assert door.ask(token) == REFUSED
    assert door.reception.causes() == ["disabled-user"]


def test_a_signature_counts_for_five_minutes(door):
    token = door.token()
    door.ask(token)
    door.people.clock.advance(seconds=300)
    assert door.recall(token) is None
    assert isinstance(door.ask(token), Subject)
    assert door.keys.asked == 2


def test_nothing_is_remembered_past_the_end_of_a_token(door):
    token = door.token(exp=int(door.people.clock.now().timestamp()) + 60)
    door.ask(token)
    door.ask(token)
    door.people.clock.advance(seconds=59)
    assert door.recall(token) is not None
    door.people.clock.advance(seconds=1)
    assert door.recall(token) is None
    assert door.ask(token) == REFUSED
    door.people.clock.set_back(seconds=30)
    assert door.ask(token) == REFUSED, "a clock set back revives nothing"
    assert door.reception.causes() == ["expired-assertion", "expired-assertion"]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"aud": CLIENT_ID}, "assertion-for-somebody-else"),
        ({"aud": None}, "assertion-for-somebody-else"),
        ({"iss": "https://evil.example"}, "unknown-issuer"),
        ({"exp": 1}, "expired-assertion"),
        ({"nbf": 4_000_000_000}, "assertion-not-yet-valid"),
        ({"header": {"typ": "JWT"}}, "assertion-of-another-type"),
        ({"header": {"typ": None}}, "assertion-of-another-type"),
        ({"header": {"typ": "logout+jwt"}}, "assertion-of-another-type"),
        ({"header": {"typ": ["at+jwt"]}}, "wrong-signature"),
        ({"header": {"kid": "../../etc/passwd"}}, "wrong-signature"),
        ({"header": {"crit": ["x"], "x": 1}}, "wrong-signature"),
        ({"signer": RsaSigner("k1")}, "wrong-signature"),
    ],
)
def test_a_token_that_is_not_for_here_and_now_is_refused_and_on_record(door, changed, cause):
    assert door.ask(door.token(**changed)) == REFUSED
    assert door.reception.causes() == [cause]


def test_a_media_type_is_one_in_any_case_and_with_its_prefix(door):
    for kind in ("at+jwt", "AT+JWT", "application/at+jwt"):
        assert isinstance(door.ask(door.token(header={"typ": kind})), Subject)


@pytest.mark.parametrize(
    "claim", [{"nonce": "n"}, {"at_hash": "h"}, {"events": {}}, {"typ": "ID"}, {"typ": "Refresh"}]
)
def test_where_all_tokens_are_called_jwt_those_of_another_purpose_are_known_by_their_claims(tmp_path, claim):
    """Keycloak and Entra ID: RFC 8725 3.12."""
    door = Door(open_reception(tmp_path))
    door.issuer = replace(door.issuer, types=frozenset({"jwt"}))
    door.authenticator._bearers = door.bearers(NoIntrospection())
    plain = {"header": {"typ": "JWT"}}
    assert isinstance(door.ask(door.token(**plain)), Subject)
    assert door.ask(door.token(**plain, **claim)) == REFUSED
    assert door.reception.causes() == ["assertion-of-another-type"]


def test_a_huge_token_is_refused_unread(door):
    assert door.ask("A" * 70_000 + ".B.C") == REFUSED
    assert door.keys.asked == 0


def test_an_opaque_token_is_asked_about_and_the_answer_counts_for_half_a_minute(door):
    provider, now = door.reception.provider, int(door.people.clock.now().timestamp())
    told = {
        "active": True,
        "aud": [API],
        "iss": ISSUER,
        "sub": "u-1",
        "username": "anna",
        "client_id": "viewer",
        "groups": ["radiology"],
        "exp": now + 600,
    }
    provider.introspected = told
    token = "opaque-token-of-somebody"
    door.ask(token)
    subject = door.ask(token)
    assert isinstance(subject, Subject)
    assert (subject.name, subject.groups) == ("anna", {"radiology"})
    provider.introspected = {"active": False}
    door.people.clock.advance(seconds=29)
    assert door.recall(token) is subject
    door.people.clock.advance(seconds=1)
    assert door.ask(token) == REFUSED
    assert door.reception.causes() == ["withdrawn-assertion"]
    for changed, cause in [
        ({"aud": "another-api"}, "assertion-for-somebody-else"),
        ({"aud": None}, "assertion-for-somebody-else"),
        ({"iss": "https://evil.example"}, "unknown-issuer"),
        ({"active": "true"}, "withdrawn-assertion"),
        ({"exp": now}, "expired-assertion"),
        ({"exp": "soon"}, "unreadable-assertion"),
        ({"token_type": "refresh_token"}, "assertion-of-another-type"),
        ({"username": None, "sub": "u-9"}, "assertion-names-nobody"),
    ]:
        provider.introspected = told | changed
        assert door.ask(token) == REFUSED
        assert door.reception.causes()[-1] == cause


def test_while_the_provider_is_down_opaque_tokens_let_nobody_in(door):
    door.reception.provider.is_down = True
    found = door.ask("opaque-token-of-somebody")
    assert found == AuthenticationFailed(FailureKind.UNAVAILABLE)


def test_made_up_tokens_keep_few_threads_waiting_for_a_provider_that_is_slow():
    let_go, waiting = Event(), Semaphore(0)

    class Slow:
        def introspect(self, _token):
            waiting.release()
            let_go.wait(10)

    asked = ProviderIntrospection(Slow())
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        held = [pool.submit(asked.introspect, f"made-up-{n}", START) for n in range(ASKED_AT_ONCE)]
        for _ in held:
            waiting.acquire(timeout=5)
        try:
            assert asked.introspect("one-more", START) is AssertionFault.UNAVAILABLE
            assert not waiting.acquire(blocking=False)
        finally:
            let_go.set()


def test_a_program_that_acts_for_itself_is_a_service(door):
    """I4."""
    subject = door.ask(door.token(sub="robot", client_id="robot", preferred_username=None, groups=None))
    assert isinstance(subject, Subject)
    assert (subject.name, subject.kind.value) == ("robot", "service")


def test_a_second_factor_at_the_provider_counts_as_it_is_believed(tmp_path):
    """M6, M7."""
    believing = SourcePolicy("idp", AccountsMode.CLAIMS, believed_methods=frozenset({"pwd", "otp"}))
    door = Door(open_reception(tmp_path, believing))
    weak, strong = (
        door.ask(door.token(amr=["pwd"], jti="a")),
        door.ask(door.token(amr=["pwd", "otp"], jti="b")),
    )
    assert isinstance(weak, Subject)
    assert isinstance(strong, Subject)
    assert (weak.assurance_level, strong.assurance_level) == (1, 2)


def test_accounts_are_in_the_directory_once_a_token_was_shown(door):
    door.ask(door.token())
    account = door.reception.stores.directory.user(SCOPE, "anna")
    assert account is not None
    assert account.source == "idp"
