"""Keys of issuers: which are used, how often they are asked for, and how long they count."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pacsgate.identity.assertions.issuer_keys import (
    LARGEST_ANSWER,
    KeysOfFile,
    PublishedKeys,
    fetcher,
    read_key_set,
)
from pacsgate.model.errors import SettingsError
from tests.support.assertions import EcSigner, RsaSigner, key_set
from tests.support.clocks import HandClock
from tests.support.tls import CertificateAuthority

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


# ------------------------------------------------------------------ over the wire


@contextmanager
def published(tmp_path, bodies: dict[str, bytes]) -> Iterator[tuple[str, CertificateAuthority]]:
    """An HTTPS server of some documents; a body that begins with `http` redirects there."""
    authority = CertificateAuthority(tmp_path / "ca")
    certificate, key = authority.issue("127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[self.path]
            moved = body.startswith(b"https")
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", authority
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_keys_are_fetched_over_verified_tls_without_redirects_and_within_bounds(tmp_path):
    bodies = {"/keys": key_set(FIRST), "/moved": b"", "/huge": b"x" * (LARGEST_ANSWER + 1)}
    with published(tmp_path, bodies) as (root, authority):
        bodies["/moved"] = f"{root}/keys".encode()
        assert fetcher(f"{root}/keys", authority.ca_file)() == key_set(FIRST)
        assert fetcher(f"{root}/keys", CertificateAuthority(tmp_path / "other").ca_file)() is None
        assert fetcher(f"{root}/moved", authority.ca_file)() is None
        assert fetcher(f"{root}/huge", authority.ca_file)() is None
    assert fetcher(f"{root}/keys", authority.ca_file)() is None
