"""Signing in with a provider: what brings somebody in, and everything that must not."""

import base64
import hashlib

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.federation.source_policy import AccountsMode, SourcePolicy
from pacsgate.model.subject import Credential
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.browser_sources import CameBack
from pacsgate.ports.identity import Guessed
from tests.support.assertions import RsaSigner
from tests.support.openid import CLIENT_ID, ISSUER, Reception, open_reception
from tests.support.people import SCOPE

REFUSED = AuthenticationFailed(FailureKind.REFUSED)
STRANGER = RsaSigner("k1")


@pytest.fixture
def reception(tmp_path) -> Reception:
    return open_reception(tmp_path)


def test_a_browser_is_sent_with_pkce_a_state_and_a_nonce(reception):
    """I2; ASVS 10.2.1 (CSRF and code injection)."""
    one, other = reception.send(), reception.send()
    assert one.asked["response_type"] == "code"
    assert one.asked["redirect_uri"] == "https://gate.example/sign-in/openid/idp/callback"
    assert (one.asked["client_id"], one.asked["code_challenge_method"]) == (CLIENT_ID, "S256")
    for random in ("state", "nonce", "code_challenge"):
        assert len(one.asked[random]) >= 43
        assert one.asked[random] != other.asked[random]
    assert one.secret not in repr(one.asked)


def test_whoever_the_provider_vouches_for_comes_in_with_an_account_of_its_own(reception):
    """I2: group claims become groups; Z5."""
    found = reception.signs_in(amr=["pwd"])
    assert isinstance(found, CameBack)
    subject = found.subject
    assert (subject.name, subject.source, subject.groups) == ("anna", "idp", {"radiology"})
    assert (subject.display_name, subject.attributes["department"]) == ("Anna Reis", {"CT-A"})
    assert (subject.credential, found.source_session, found.return_to) == (
        Credential.ASSERTION,
        "s-1",
        "/studies",
    )
    account = reception.stores.directory.user(SCOPE, "anna")
    assert account is not None
    assert (account.source, account.groups, account.password_hash) == ("idp", {"radiology"}, None)
    (event,) = reception.people.trail.of(EventKind.SIGN_IN)
    assert (event.actor.name, event.actor.verified, event.actor.credential_id) == ("anna", True, ISSUER)


def test_groups_are_those_of_the_last_sign_in(reception):
    reception.signs_in()
    found = reception.signs_in(groups=["cardiology"])
    assert found.subject.groups == {"cardiology"}
    account = reception.stores.directory.user(SCOPE, "anna")
    assert account is not None
    assert account.groups == {"cardiology"}
    assert reception.signs_in(groups=[]).subject.groups == frozenset()


def test_a_code_is_worth_something_in_the_browser_that_was_sent_only(reception):
    """Login CSRF (RFC 9700 4.7): an attacker's answer in a victim's browser."""
    attacker, victim = reception.send(), reception.send()
    reception.code_for(attacker)
    assert reception.receive(victim, attacker.answer()) == REFUSED
    assert reception.receive(victim, victim.answer()) == REFUSED
    assert reception.causes() == ["answer-to-no-question-of-this-browser", "code-not-taken-by-source"]


def test_an_answer_without_the_cookie_of_its_browser_is_refused(reception):
    browser = reception.send()
    reception.code_for(browser)
    assert reception.door.receive(browser.answer(), None, reception.people.context()) == REFUSED


def test_a_state_counts_once_and_not_after_ten_minutes(reception):
    browser = reception.send()
    reception.code_for(browser)
    assert isinstance(reception.receive(browser), CameBack)
    reception.code_for(browser)
    assert reception.receive(browser) == REFUSED
    late = reception.send()
    reception.people.clock.advance(minutes=10)
    reception.code_for(late)
    assert reception.receive(late) == REFUSED


def test_a_replayed_code_is_the_providers_to_refuse_and_ends_here(reception):
    first, second = reception.send(), reception.send()
    reception.code_for(first)
    assert isinstance(reception.receive(first), CameBack)
    assert reception.receive(second, second.answer("c1")) == REFUSED
    assert reception.causes() == ["code-not-taken-by-source"]


@pytest.mark.parametrize("stated", ["https://evil.example", "", None])
def test_an_answer_that_does_not_say_that_the_provider_gave_it_is_refused(reception, stated):
    """Mix-up (RFC 9207): the provider says that it names itself, so it must."""
    browser = reception.send()
    reception.code_for(browser)
    assert reception.receive(browser, browser.answer(iss=stated)) == REFUSED
    assert reception.causes() == ["unknown-issuer"]


def test_a_provider_that_does_not_name_itself_may_leave_that_out(reception):
    del reception.provider.metadata["authorization_response_iss_parameter_supported"]
    browser = reception.send()
    reception.code_for(browser)
    assert isinstance(reception.receive(browser, browser.answer(iss=None)), CameBack)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"nonce": "of somebody else"}, "assertion-for-somebody-else"),
        ({"nonce": None}, "assertion-for-somebody-else"),
        ({"nonce": ["x"]}, "assertion-for-somebody-else"),
        ({"iss": "https://evil.example"}, "unknown-issuer"),
        ({"aud": "another-client"}, "assertion-for-somebody-else"),
        ({"aud": [CLIENT_ID, "another-client"]}, "assertion-for-somebody-else"),
        ({"azp": "another-client"}, "assertion-for-somebody-else"),
        ({"exp": 1}, "expired-assertion"),
        ({"exp": None}, "unreadable-assertion"),
        ({"iat": 4_000_000_000}, "assertion-not-yet-valid"),
        ({"nbf": 4_000_000_000}, "assertion-not-yet-valid"),
        ({"iat": None}, "assertion-of-another-type"),
        ({"sub": None}, "assertion-of-another-type"),
        ({"sub": ""}, "assertion-of-another-type"),
        ({"events": {}}, "assertion-of-another-type"),
        ({"at_hash": "AAAA"}, "wrong-signature"),
        ({"preferred_username": None}, "assertion-names-nobody"),
        ({"preferred_username": "\uff41dmin"}, "assertion-names-nobody"),
        ({"preferred_username": " anna"}, "assertion-names-nobody"),
        ({"_claim_names": {"groups": "src1"}}, "claims-left-out"),
        ({"hasgroups": True}, "claims-left-out"),
    ],
)
def test_an_id_token_that_is_not_of_this_very_sign_in_lets_nobody_in(reception, changed, cause):
    """ASVS 10.5.1 to 10.5.4."""
    assert reception.signs_in(**changed) == REFUSED
    assert reception.causes() == [cause]
    assert reception.stores.directory.users(SCOPE) == ()


def test_a_token_hash_that_is_right_is_right(reception):
    half = hashlib.sha256(b"at-1").digest()[:16]
    right = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert isinstance(reception.signs_in(at_hash=right), CameBack)


def test_an_id_token_that_somebody_else_signed_lets_nobody_in(reception):
    reception.provider.signer = STRANGER
    assert reception.signs_in() == REFUSED
    assert reception.causes() == ["wrong-signature"]


@pytest.mark.parametrize("kind", ["at+jwt", "logout+jwt", "secevent+jwt"])
def test_a_token_of_another_type_is_no_id_token(reception, kind):
    reception.provider.header = {"typ": kind}
    assert reception.signs_in() == REFUSED
    assert reception.causes() == ["assertion-of-another-type"]


def test_claims_of_userinfo_count_if_they_are_of_the_same_person(reception):
    told = {"sub": "u-1", "preferred_username": "anna", "groups": ["night"], "department": "MR-B"}
    reception.provider.userinfo = told
    found = reception.signs_in(preferred_username=None, groups=None)
    assert found.subject.groups == {"night"}
    assert found.subject.attributes["department"] == {"CT-A"}, "what is signed comes first"
    reception.provider.userinfo = {**told, "sub": "u-2"}
    assert reception.signs_in(preferred_username=None) == REFUSED
    assert reception.causes() == ["assertion-names-nobody"]


def test_whoever_was_refused_at_the_provider_is_refused_here_with_its_word_on_record(reception):
    browser = reception.send()
    assert reception.receive(browser, browser.answer(code=None, error="access_denied")) == REFUSED
    other = reception.send()
    reception.receive(other, other.answer(code=None, error="<script>alert(1)</script>"))
    denied, odd = reception.people.trail.of(EventKind.SIGN_IN)
    assert (denied.details["cause"], denied.details["error"]) == ("denied-at-source", "access_denied")
    assert "error" not in odd.details


def test_while_the_provider_is_down_nobody_is_sent_and_nobody_comes_in(reception):
    browser = reception.send()
    reception.code_for(browser)
    reception.provider.is_down = True
    assert reception.receive(browser) == REFUSED
    reception.people.clock.advance(days=2)
    assert reception.door.send("/", None, reception.people.context()) == AuthenticationFailed(
        FailureKind.UNAVAILABLE
    )
    assert reception.causes()[-1] == "source-unavailable"


def test_keys_that_the_provider_has_rotated_are_fetched_and_old_ones_are_not_believed(reception):
    reception.signs_in()
    new = RsaSigner("k2")
    reception.provider.signer, reception.provider.published = new, (new,)
    reception.people.clock.advance(seconds=31)
    assert isinstance(reception.signs_in(), CameBack)
    reception.provider.signer = RsaSigner("k1")
    assert reception.signs_in() == REFUSED


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://idp.example/realms/other"},
        {"issuer": None},
        {"token_endpoint": "http://idp.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_metadata_of_another_issuer_or_without_https_is_not_used(reception, changed):
    reception.provider.metadata |= changed
    found = reception.door.send("/", None, reception.people.context())
    assert found == AuthenticationFailed(FailureKind.UNAVAILABLE)


def test_a_disabled_or_locked_account_stays_out_whatever_the_provider_says(reception):
    reception.signs_in()
    people = reception.people
    people.users.set_disabled(people.change(), "anna", disabled=True)
    assert reception.signs_in() == REFUSED
    assert reception.causes() == ["disabled-user"]


def test_factors_of_the_provider_count_only_as_far_as_they_are_believed(tmp_path):
    """M6; ASVS 6.8.4."""
    believing = SourcePolicy(
        "idp",
        AccountsMode.CLAIMS,
        believed_methods=frozenset({"pwd", "otp", "mfa"}),
        methods_of_acr={"gold": frozenset({"mfa"})},
    )
    reception = open_reception(tmp_path, believing)
    for claims, level in [
        ({"amr": ["pwd"]}, 1),
        ({"amr": ["pwd", "otp"]}, 2),
        ({"amr": ["hwk", "user"]}, 1),
        ({"amr": ["mfa"]}, 2),
        ({"acr": "gold"}, 2),
        ({"acr": "silver"}, 1),
        ({"acr": ["gold"]}, 1),
        ({"amr": "mfa2"}, 1),
        ({}, 1),
    ]:
        subject = reception.signs_in(**claims).subject
        assert subject.assurance_level == level, claims
        assert (subject.second_factor_at is not None) == (level > 1)
    unbelieving = open_reception(tmp_path_of(tmp_path, "other"))
    assert unbelieving.signs_in(amr=["mfa", "hwk", "user"], acr="gold").subject.assurance_level == 1


def tmp_path_of(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_three_hundred_wrong_answers_from_one_address_make_it_wait(reception):
    """ASVS 6.3.1, at the doors of sources too."""
    limit = reception.people.attempts
    now = reception.people.clock.now()
    for _ in range(299):
        limit.note_failure(SCOPE, Guessed.SOURCE, None, "192.0.2.7", now)
    browser = reception.send()
    assert reception.receive(browser, browser.answer(state="made-up")) == REFUSED
    reception.code_for(browser)
    found = reception.receive(browser)
    assert found.kind is FailureKind.LOCKED_OUT
    assert found.retry_after_seconds is not None
