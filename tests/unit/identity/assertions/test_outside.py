"""Keys over the wire: only from where they were configured to be, and never without bounds."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pacsgate.identity import bounded_answers
from pacsgate.identity.assertions.outside import LARGEST_ANSWER, Answer, Outside
from tests.support.tls import CertificateAuthority

KEYS = b'{"keys": []}'


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


def test_servers_are_asked_over_verified_tls_without_redirects_and_within_bounds(tmp_path):
    bodies = {"/keys": KEYS, "/moved": b"", "/huge": b"x" * (LARGEST_ANSWER + 1)}
    with published(tmp_path, bodies) as (root, authority):
        bodies["/moved"] = f"{root}/keys".encode()
        trusting = Outside(authority.ca_file)
        assert trusting.get(f"{root}/keys") == Answer(200, KEYS)
        assert Outside(CertificateAuthority(tmp_path / "other").ca_file).get(f"{root}/keys") is None
        moved = trusting.get(f"{root}/moved")
        assert moved is not None
        assert (moved.status, moved.object()) == (302, None)
        assert trusting.get(f"{root}/huge") is None
    assert trusting.get(f"{root}/keys") is None


def test_nothing_is_asked_but_over_https():
    for url in (
        "http://127.0.0.1:9/keys",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "https://",
        "https://[/",
    ):
        assert Outside(None).get(url) is None


def test_an_answer_that_takes_too_long_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded_answers, "ANSWER_SECONDS", 0.0)
    with published(tmp_path, {"/keys": KEYS}) as (root, authority):
        assert Outside(authority.ca_file).get(f"{root}/keys") is None


def test_only_a_successful_answer_with_a_json_object_is_one():
    assert Answer(200, b'{"a": 1}').object() == {"a": 1}
    for answer in (
        Answer(200, b"[1]"),
        Answer(200, b"<html>"),
        Answer(400, b'{"a": 1}'),
        Answer(200, b"[" * 9999),
    ):
        assert answer.object() is None
