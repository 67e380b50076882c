"""Keys of issuers: which are used, how often they are asked for, and how long they count."""

import json
import threading

import pytest

from pacsgate.identity.assertions.issuer_keys import KeysOfFile, PublishedKeys, read_key_set
from pacsgate.model.errors import SettingsError
from tests.support.assertions import EcSigner, RsaSigner, key_set
from tests.support.clocks import HandClock

FIRST, SECOND = RsaSigner("first"), EcSigner("second")


def ids(keys) -> set[str] | None:
    return None if keys is None else {key.kid for key in keys}


class Publisher:
    """Answers what it is told to, and counts how often it was asked."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.asked = 0

    def __call__(self) -> bytes | None:
        self.asked += 1
        return self.answer


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_keys_are_asked_for_once_in_ten_minutes(clock):
    publisher = Publisher(key_set(FIRST))
    keys = PublishedKeys(publisher, clock)
    for _ in range(100):
        assert ids(keys.keys("first")) == {"first"}
    assert publisher.asked == 1
    clock.advance(minutes=10)
    keys.keys("first")
    assert publisher.asked == 2


def test_a_new_key_is_found_at_once_but_made_up_ones_are_asked_for_twice_a_minute_at_most(clock):
    publisher = Publisher(key_set(FIRST))
    keys = PublishedKeys(publisher, clock)
    keys.keys("first")
    clock.advance(seconds=31)
    publisher.answer = key_set(FIRST, SECOND)
    assert ids(keys.keys("second")) == {"first", "second"}
    for number in range(100):
        keys.keys(f"made-up-{number}")
    assert publisher.asked == 2


@pytest.mark.parametrize("broken", [None, b"", b"<html>", b'{"keys": []}', b'{"keys": 7}', b"[" * 50_000])
def test_an_issuer_that_does_not_answer_is_believed_for_an_hour_and_then_no_more(clock, broken):
    publisher = Publisher(key_set(FIRST))
    keys = PublishedKeys(publisher, clock)
    keys.keys("first")
    publisher.answer = broken
    clock.advance(minutes=59)
    assert ids(keys.keys("first")) == {"first"}
    clock.advance(minutes=1)
    assert keys.keys("first") is None
    publisher.answer = key_set(SECOND)
    clock.advance(seconds=30)
    assert ids(keys.keys("second")) == {"second"}


def test_a_known_key_does_not_wait_while_an_unknown_one_is_asked_for(clock):
    answering = threading.Event()
    keys = PublishedKeys(Publisher(key_set(FIRST)), clock)
    keys.keys("first")
    clock.advance(seconds=31)
    keys._fetch = lambda: answering.wait(20) and None
    asking = threading.Thread(target=keys.keys, args=("made-up",))
    asking.start()
    try:
        assert ids(keys.keys("first")) == {"first"}
        assert not answering.is_set()
    finally:
        answering.set()
        asking.join()


def test_a_key_that_was_withdrawn_is_gone_with_the_next_answer(clock):
    publisher = Publisher(key_set(FIRST, SECOND))
    keys = PublishedKeys(publisher, clock)
    keys.keys("first")
    publisher.answer = key_set(SECOND)
    clock.advance(minutes=10)
    assert ids(keys.keys("first")) == {"second"}


def test_only_public_signature_keys_are_taken():
    listed = [
        FIRST.jwk,
        {**SECOND.jwk, "kid": "for-encryption", "use": "enc"},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "broken"},
        "nonsense",
        {"kty": ["RSA"], "kid": "x"},
    ]
    assert ids(read_key_set(json.dumps({"keys": listed}).encode())) == {"first"}


def test_a_private_key_in_a_key_set_is_used_as_a_public_one():
    numbers = FIRST.key.private_numbers()
    found = read_key_set(json.dumps({"keys": [{**FIRST.jwk, "d": str(numbers.d)}]}).encode())
    assert found is not None
    assert not any(key.is_private for key in found)


def test_keys_of_a_file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(FIRST, SECOND))
    assert ids(KeysOfFile(path).keys(None)) == {"first", "second"}
    path.write_text("{}")
    with pytest.raises(SettingsError, match="holds no public keys"):
        KeysOfFile(path)
    with pytest.raises(SettingsError, match="cannot read"):
        KeysOfFile(tmp_path / "none")
