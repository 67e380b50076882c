"""WebAuthn as a relying party, against an authenticator that also does what it should not.

Acceptance check M2 (by the byte; with a browser: tests/e2e/test_second_factors_in_a_browser.py).
"""

import json

import pytest

from pacsgate.identity.factors.passkeys import WebAuthnPasskeys
from pacsgate.ports.factor_proofs import NamedPasskey, NewPasskey, Site
from tests.support.authenticator import SoftAuthenticator

SITE = Site("gate.example", "https://gate.example")
ELSEWHERE = Site("evil.example", "https://evil.example")
PASSKEYS = WebAuthnPasskeys()


def key(**otherwise: bool) -> SoftAuthenticator:
    return SoftAuthenticator(SITE.origin, SITE.rp_id, **otherwise)


def made(authenticator: SoftAuthenticator, **otherwise: str) -> NewPasskey | None:
    question = PASSKEYS.ask_for_new(SITE, "ada", b"handle", [])
    return PASSKEYS.made(SITE, question.challenge, authenticator.make(question.options, **otherwise))


@pytest.mark.parametrize("verifies_user", [True, False])
@pytest.mark.parametrize("is_synced", [True, False])
def test_a_key_is_made_and_shown(*, verifies_user: bool, is_synced: bool) -> None:
    authenticator = key(verifies_user=verifies_user, is_synced=is_synced)
    new = made(authenticator)
    assert new is not None
    assert (new.credential_id, new.verifies_user, new.is_synced) == (
        authenticator.name,
        verifies_user,
        is_synced,
    )
    question = PASSKEYS.ask_for_known(SITE, [new.credential_id], verify_user=False)
    answer = authenticator.use(question.options)
    assert PASSKEYS.named_in(answer) == NamedPasskey(new.credential_id, b"handle")
    shown = PASSKEYS.shown(SITE, question.challenge, answer, new.public_key, verify_user=False)
    assert shown is not None
    assert (shown.counter, shown.verified_user, shown.is_synced) == (1, verifies_user, is_synced)


WRONG = [
    {"rp_id": "evil.example"},
    {"origin": "https://evil.example"},
    {"origin": "http://gate.example"},
    {"origin": "https://gate.example:8443"},
    {"challenge": "AAAA"},
    {"type": "webauthn.other"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
def test_a_key_made_elsewhere_or_for_something_else_is_not_kept(wrong: dict[str, str]) -> None:
    assert made(key(), **wrong) is None


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
def test_a_signature_given_elsewhere_or_for_something_else_proves_nothing(wrong: dict[str, str]) -> None:
    authenticator = key()
    new = made(authenticator)
    assert new is not None
    question = PASSKEYS.ask_for_known(SITE, [], verify_user=False)
    answer = authenticator.use(question.options, **wrong)
    assert PASSKEYS.shown(SITE, question.challenge, answer, new.public_key, verify_user=False) is None


def test_a_signature_of_another_key_proves_nothing() -> None:
    new = made(key())
    assert new is not None
    question = PASSKEYS.ask_for_known(SITE, [], verify_user=False)
    answer = key().use(question.options)
    assert PASSKEYS.shown(SITE, question.challenge, answer, new.public_key, verify_user=False) is None


def test_a_key_that_does_not_look_who_holds_it_is_not_enough_where_that_is_asked() -> None:
    authenticator = key(verifies_user=False)
    new = made(authenticator)
    assert new is not None
    question = PASSKEYS.ask_for_known(SITE, [], verify_user=True)
    answer = authenticator.use(question.options)
    assert PASSKEYS.shown(SITE, question.challenge, answer, new.public_key, verify_user=True) is None
    assert PASSKEYS.shown(SITE, question.challenge, answer, new.public_key, verify_user=False) is not None


NONSENSE = ["", "{", "[]", "null", "1", "{}", '{"id": 1}', '{"response": []}', "[" * 20_000, "x" * 40_000]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_no_answer_and_breaks_nothing(answer: str) -> None:
    assert PASSKEYS.made(SITE, b"challenge", answer) is None
    assert PASSKEYS.named_in(answer) is None
    assert PASSKEYS.shown(SITE, b"challenge", answer, b"key", verify_user=False) is None


@pytest.mark.parametrize("name", ["clientDataJSON", "attestationObject", "authenticatorData", "signature"])
@pytest.mark.parametrize("value", ["", "AA", "!!!!", "oWFh", "3q2-7w", 7, None])
def test_an_answer_with_a_part_of_it_broken_is_no_answer(name: str, value: object) -> None:
    authenticator = key()
    new = made(authenticator)
    assert new is not None
    asked, question = (
        PASSKEYS.ask_for_new(SITE, "ada", b"h", []),
        PASSKEYS.ask_for_known(SITE, [], verify_user=False),
    )
    creation, use = (
        json.loads(authenticator.make(asked.options)),
        json.loads(authenticator.use(question.options)),
    )
    for answer in (creation, use):
        if name in answer["response"]:
            answer["response"][name] = value
    if name in creation["response"]:
        assert PASSKEYS.made(SITE, asked.challenge, json.dumps(creation)) is None
    if name in use["response"]:
        found = PASSKEYS.shown(SITE, question.challenge, json.dumps(use), new.public_key, verify_user=False)
        assert found is None


def test_a_browser_is_told_which_keys_it_may_not_use_again() -> None:
    options = json.loads(PASSKEYS.ask_for_new(SITE, "ada", b"handle", ["AAEC"]).options)
    assert [each["id"] for each in options["excludeCredentials"]] == ["AAEC"]
    assert options["rp"]["id"] == "gate.example"
    assert options["attestation"] == "none"
