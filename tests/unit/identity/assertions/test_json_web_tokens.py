"""Tokens signed by hand: genuine ones, and everything that must not pass for one."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from pacsgate.identity.assertions.algorithms import ALGORITHMS
from pacsgate.identity.assertions.issuer_keys import read_key_set
from pacsgate.identity.assertions.issuers import ClaimNames, JwtIssuer
from pacsgate.identity.assertions.json_web_tokens import JsonWebTokens
from pacsgate.ports.assertions import AssertionFault, Claims
from tests.support.assertions import (
    AUDIENCE,
    ISSUER,
    EcSigner,
    RsaSigner,
    base64url,
    claims_at,
    encoded,
    key_set,
    web_token,
)
from tests.support.clocks import START

RSA, EC, STRANGER = RsaSigner(), EcSigner(), RsaSigner()
NAMES = ClaimNames("preferred_username", "groups", {"department": "dept", "level": "work.level"})


class Fixed:
    """Keys that are simply there."""

    def __init__(self, *signers):
        self._keys = read_key_set(key_set(*signers)) if signers else None

    def keys(self, key_id):  # noqa: ARG002 - the port's
        return self._keys


def verifier(**changed) -> JsonWebTokens:
    parts = {"algorithms": frozenset({"RS256", "ES256"}), "keys": Fixed(RSA, EC), **changed}
    return JsonWebTokens([JwtIssuer(ISSUER, AUDIENCE, names=NAMES, **parts)])


def verify(token, now=START, **changed):
    return verifier(**changed).verify(token, now)


@pytest.mark.parametrize("signer", [RSA, EC])
def test_a_genuine_token_says_who_it_is(signer):
    token = web_token(signer, claims_at(START, dept="CT-A", work={"level": [3, "x"]}))
    assert verify(token) == Claims(
        ISSUER,
        "rad1",
        START + timedelta(minutes=5),
        source=ISSUER,
        external_id="1234",
        groups=frozenset({"radiology", "night"}),
        attributes={"department": frozenset({"CT-A"}), "level": frozenset({3, "x"})},
    )


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"iss": "https://evil.example"}, AssertionFault.UNKNOWN_ISSUER),
        ({"iss": [ISSUER]}, AssertionFault.UNKNOWN_ISSUER),
        ({"iss": None}, AssertionFault.UNKNOWN_ISSUER),
        ({"aud": "somebody-else"}, AssertionFault.NOT_FOR_US),
        ({"aud": ["a", "b"]}, AssertionFault.NOT_FOR_US),
        ({"aud": {AUDIENCE: 1}}, AssertionFault.NOT_FOR_US),
        ({"aud": None}, AssertionFault.NOT_FOR_US),
        ({"exp": None}, AssertionFault.UNREADABLE),
        ({"exp": "tomorrow"}, AssertionFault.UNREADABLE),
        ({"exp": True}, AssertionFault.UNREADABLE),
        ({"exp": 1e300}, AssertionFault.UNREADABLE),
        ({"exp": int(START.timestamp())}, AssertionFault.EXPIRED),
        ({"nbf": int(START.timestamp()) + 61}, AssertionFault.NOT_YET_VALID),
        ({"nbf": "soon"}, AssertionFault.NOT_YET_VALID),
        ({"iat": int(START.timestamp()) + 61}, AssertionFault.NOT_YET_VALID),
        ({"preferred_username": None}, AssertionFault.NAMELESS),
        ({"preferred_username": ""}, AssertionFault.NAMELESS),
        ({"preferred_username": ["rad1"]}, AssertionFault.NAMELESS),
    ],
)
def test_a_signed_token_that_is_not_for_us_and_for_now_is_refused(changed, fault):
    assert verify(web_token(RSA, claims_at(START, **changed))) is fault


def test_several_audiences_may_include_us():
    assert isinstance(verify(web_token(RSA, claims_at(START, aud=["x", AUDIENCE]))), Claims)


def test_an_issuers_clock_may_be_a_minute_ahead_and_nothing_outlives_its_end():
    ahead = int(START.timestamp()) + 60
    assert isinstance(verify(web_token(RSA, claims_at(START, nbf=ahead, iat=ahead))), Claims)
    token = web_token(RSA, claims_at(START))
    assert isinstance(verify(token, START + timedelta(minutes=5, microseconds=-1)), Claims)
    assert verify(token, START + timedelta(minutes=5)) is AssertionFault.EXPIRED


def test_a_token_of_another_key_is_not_genuine():
    assert verify(web_token(STRANGER, claims_at(START))) is AssertionFault.BAD_SIGNATURE
    assert verify(web_token(RSA, claims_at(START), kid="unknown")) is AssertionFault.BAD_SIGNATURE
    assert isinstance(verify(web_token(RSA, claims_at(START), kid=None)), Claims)


def test_a_changed_payload_is_not_genuine():
    header, _, signature = web_token(RSA, claims_at(START)).decode().split(".")
    forged = encoded(claims_at(START, preferred_username="admin"))
    assert verify(f"{header}.{forged}.{signature}".encode()) is AssertionFault.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", ""])
def test_a_token_that_says_it_needs_no_signature_is_refused(algorithm):
    header = encoded({"alg": algorithm, "kid": "k1"})
    for signature in ("", "AAAA"):
        token = f"{header}.{encoded(claims_at(START))}.{signature}".encode()
        assert verify(token) in {AssertionFault.BAD_SIGNATURE, AssertionFault.UNREADABLE}


def test_a_public_key_is_never_taken_for_a_shared_secret():
    public = RSA.key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secrets = [pem, key_set(RSA), json.dumps(RSA.jwk).encode(), base64.urlsafe_b64decode(RSA.jwk["n"] + "==")]
    for secret in secrets:
        signed = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(claims_at(START))}"
        forged = base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))
        assert verify(f"{signed}.{forged}".encode()) is AssertionFault.BAD_SIGNATURE


def test_an_algorithm_that_the_issuer_does_not_use_is_refused_whoever_signed():
    token = web_token(RSA, claims_at(START))
    assert verify(token, algorithms=frozenset({"ES256"})) is AssertionFault.BAD_SIGNATURE
    assert verify(token, algorithms=frozenset({"PS256"})) is AssertionFault.BAD_SIGNATURE


def test_a_key_in_the_token_itself_is_not_believed():
    for header in (
        {"jwk": STRANGER.jwk},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/c"},
    ):
        assert verify(web_token(STRANGER, claims_at(START), **header)) is AssertionFault.BAD_SIGNATURE


def test_headers_that_providers_send_and_nobody_believes_do_no_harm():
    token = web_token(RSA, claims_at(START), x5t="abcd", nonce="x", x5c=["A" * 2_000])
    assert isinstance(verify(token), Claims)


def test_a_header_that_must_be_understood_and_is_not_is_refused():
    token = web_token(RSA, claims_at(START), crit=["exp2"], exp2=1)
    assert verify(token) in {AssertionFault.BAD_SIGNATURE, AssertionFault.UNREADABLE}


def test_issuers_do_not_sign_for_one_another():
    other = JwtIssuer("https://other.example", AUDIENCE, frozenset({"RS256"}), Fixed(STRANGER), NAMES)
    ours = JwtIssuer(ISSUER, AUDIENCE, frozenset({"RS256"}), Fixed(RSA), NAMES)
    both = JsonWebTokens([ours, other])
    assert both.verify(web_token(STRANGER, claims_at(START)), START) is AssertionFault.BAD_SIGNATURE
    assert isinstance(both.verify(web_token(STRANGER, claims_at(START, iss=other.issuer)), START), Claims)


def test_without_keys_nobody_is_let_in():
    assert verify(web_token(RSA, claims_at(START)), keys=Fixed()) is AssertionFault.KEYS_UNAVAILABLE


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b".",
        b"..",
        b"a.b.c",
        b"\xff\xfe.\x00.\x01",
        b"e30.e30.e30",
        b"W10.W10.W10",
        b"." * 60_000,
        b"{}",
        f"{encoded({'alg': 'RS256'})}.{encoded([1])}.AAAA".encode(),
        f"{encoded({'alg': ['RS256']})}.{encoded(claims_at(START))}.AAAA".encode(),
        f"{encoded({'alg': 'RS256', 'b64': False, 'crit': ['b64']})}.{encoded(claims_at(START))}.AAAA".encode(),
        f"{encoded({'alg': 'RS256'})}.{base64url(b'[' * 40_000)}.AAAA".encode(),
    ],
)
def test_rubbish_is_refused_and_never_raises(token):
    assert isinstance(verify(token), AssertionFault)


def test_every_algorithm_that_may_be_configured_needs_a_private_key_to_sign():
    assert not any(name.startswith(("HS", "none")) for name in ALGORITHMS)
