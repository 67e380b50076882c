"""Logout tokens of a provider: they end what it began, and nothing else passes for one (I8)."""

import pytest

from pacsgate.ports.browser_sources import SignedOut
from tests.support.assertions import RsaSigner, web_token
from tests.support.openid import CLIENT_ID, ISSUER, SIGNER, Reception, open_reception

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}


@pytest.fixture
def reception(tmp_path) -> Reception:
    return open_reception(tmp_path)


def logout(reception: Reception, signer=SIGNER, header=None, **changed):
    now = int(reception.people.clock.now().timestamp())
    stated = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 120,
        "jti": "j-1",
        "sid": "s-1",
        "events": EVENTS,
        **changed,
    }
    claims = {name: value for name, value in stated.items() if value is not None}
    token = web_token(signer, claims, **{"typ": "logout+jwt", **(header or {})}).decode()
    return reception.door.signed_out({"logout_token": token}, reception.people.context())


def test_a_session_or_a_person_is_named(reception):
    reception.signs_in()
    assert logout(reception) == SignedOut("idp", source_session="s-1")
    assert logout(reception, jti="j-2", sid=None, sub="u-1") == SignedOut("idp", user="anna")
    assert logout(reception, jti="j-3", sid=None, sub="unknown") == SignedOut("idp", user="")


def test_a_token_without_a_type_of_its_own_is_known_by_its_events(reception):
    assert logout(reception, header={"typ": "JWT"}) is not None


def test_a_logout_token_counts_once(reception):
    assert logout(reception) is not None
    assert logout(reception) is None
    assert reception.causes() == ["withdrawn-assertion"]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"nonce": "n"}, "assertion-of-another-type"),
        ({"events": None}, "assertion-of-another-type"),
        ({"events": {"something-else": {}}}, "assertion-of-another-type"),
        ({"events": list(EVENTS)}, "assertion-of-another-type"),
        ({"jti": None}, "assertion-of-another-type"),
        ({"sid": None}, "assertion-names-nobody"),
        ({"aud": "another-client"}, "assertion-for-somebody-else"),
        ({"iss": "https://evil.example"}, "unknown-issuer"),
        ({"exp": 1}, "expired-assertion"),
        ({"exp": None}, "unreadable-assertion"),
        ({"iat": 4_000_000_000}, "assertion-not-yet-valid"),
        ({"signer": RsaSigner("k1")}, "wrong-signature"),
        ({"header": {"typ": "at+jwt"}}, "assertion-of-another-type"),
    ],
)
def test_nothing_else_ends_a_session(reception, changed, cause):
    """Back-Channel Logout 1.0 2.6."""
    assert logout(reception, **changed) is None
    assert reception.causes() == [cause]


@pytest.mark.parametrize(
    "message", [{}, {"logout_token": ""}, {"logout_token": "ü"}, {"logout_token": "a.b.c"}]
)
def test_what_is_no_token_ends_nothing(reception, message):
    assert reception.door.signed_out(message, reception.people.context()) is None
    assert reception.causes() == ["unreadable-assertion"]


def test_where_to_end_the_session_at_the_provider_is_what_it_says(reception):
    url = reception.door.sign_out_url()
    assert url is not None
    assert url.startswith(
        f"{ISSUER}/logout?client_id={CLIENT_ID}&post_logout_redirect_uri=https%3A%2F%2Fgate."
    )


def test_a_provider_without_such_a_place_has_none(tmp_path):
    reception = open_reception(tmp_path)
    del reception.provider.metadata["end_session_endpoint"]
    assert reception.door.sign_out_url() is None
