"""Keys over the wire: only from where they were configured to be, and never without bounds."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pacsgate.identity.assertions import key_fetching
from pacsgate.identity.assertions.key_fetching import LARGEST_ANSWER, fetcher
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


def test_keys_are_fetched_over_verified_tls_without_redirects_and_within_bounds(tmp_path):
    bodies = {"/keys": KEYS, "/moved": b"", "/huge": b"x" * (LARGEST_ANSWER + 1)}
    with published(tmp_path, bodies) as (root, authority):
        bodies["/moved"] = f"{root}/keys".encode()
        assert fetcher(f"{root}/keys", authority.ca_file)() == KEYS
        assert fetcher(f"{root}/keys", CertificateAuthority(tmp_path / "other").ca_file)() is None
        assert fetcher(f"{root}/moved", authority.ca_file)() is None
        assert fetcher(f"{root}/huge", authority.ca_file)() is None
    assert fetcher(f"{root}/keys", authority.ca_file)() is None


def test_an_answer_that_takes_too_long_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(key_fetching, "ANSWER_SECONDS", 0.0)
    with published(tmp_path, {"/keys": KEYS}) as (root, authority):
        assert fetcher(f"{root}/keys", authority.ca_file)() is None
