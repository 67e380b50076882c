"""POST from a thread that waits for the answer anyway: one blocking socket, the object sent by the kernel.

A thread that hands its request to the event loop of a general client waits for two hand-overs, and the loop
copies the object twice; for half a megabyte that is 2 ms of a processor where this takes 0.3.

Made by `client`, which says who asks; called by archives when they store.

Invariants:
- certificates are verified as the context that it is given does it;
- redirects are not followed, and an encoded answer is refused;
- a request is sent again only if the kept connection that it went to had been left by the origin
  before an answer came back, or if the origin did not take the credentials and there are newer ones.

Standard: RFC 9112 9.3 (persistence).
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import quote, urlsplit

from pacsgate.upstream.http.answer_in_hand import AnswerInHand, read_answer
from pacsgate.upstream.http.fetching import KEEP_ALIVE_SECONDS
from pacsgate.upstream.http.settings import OriginSettings

_BLOCK_BYTES = 256 * 1024
_MOST_KEPT = 32
"""Idle connections; as many threads rarely store at once."""
_UNAUTHORIZED = 401
_PORTS = {"http": 80, "https": 443}

Authorize = Callable[[], Mapping[str, str]]
"""Makes the headers that authorize one request."""


class Poster:
    """The way to one origin, for any number of threads."""

    def __init__(
        self, settings: OriginSettings, tls: ssl.SSLContext, authorize: Authorize, renew: Callable[[], bool]
    ) -> None:
        """`renew` forgets who asks, and says whether there is somebody else to be."""
        parts = urlsplit(settings.root)
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._authority = parts.netloc
        self._tls = tls if parts.scheme == "https" else None
        self._path = quote(parts.path, safe="/%:@!$&'()*+,;=")
        self._seconds = settings.timeout_seconds
        self._authorize, self._renew = authorize, renew
        self._kept: list[tuple[socket.socket, float]] = []
        self._lock = Lock()

    def post(self, path: str, body: bytes | Path, at_most: int) -> AnswerInHand:
        """Send a body, a file's or in hand, to a path of the gate's own making below the root.

        Raises `OSError` (TLS errors among them), `TimeoutError`, `WireError`, `ArchiveError`.
        """
        answer = self._posted(path, body, at_most)
        if answer.status == _UNAUTHORIZED and self._renew():
            answer = self._posted(path, body, at_most)
        return answer

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            while self._kept:
                self._kept.pop()[0].close()

    def _posted(self, path: str, body: bytes | Path, at_most: int) -> AnswerInHand:
        head = self._head(path, body.stat().st_size if isinstance(body, Path) else len(body))
        connection = self._take_kept()
        if connection is not None:
            try:
                return self._answered(connection, head, body, at_most)
            except (BrokenPipeError, ConnectionResetError):
                pass
        return self._answered(self._connected(), head, body, at_most)

    def _answered(
        self, connection: socket.socket, head: bytes, body: bytes | Path, at_most: int
    ) -> AnswerInHand:
        is_reusable = False
        try:
            self._send(connection, head, body)
            answer = read_answer(connection, at_most)
            is_reusable = answer.keeps
        finally:
            if is_reusable:
                self._keep(connection)
            else:
                connection.close()
        return answer

    def _head(self, path: str, size: int) -> bytes:
        fields = {
            "Host": self._authority,
            "Accept-Encoding": "identity",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            **self._authorize(),
        }
        lines = [f"POST {self._path}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, connection: socket.socket, head: bytes, body: bytes | Path) -> None:
        if not isinstance(body, Path):
            connection.sendall(head + body)
            return
        connection.sendall(head)
        with body.open("rb", buffering=0) as file:
            if self._tls is None:
                connection.sendfile(file)
            else:
                while block := file.read(_BLOCK_BYTES):
                    connection.sendall(block)

    def _connected(self) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), timeout=self._seconds)
        is_secured = False
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
            is_secured = True
        finally:
            if not is_secured:
                connection.close()
        return connection

    def _take_kept(self) -> socket.socket | None:
        with self._lock:
            while self._kept:
                connection, since = self._kept.pop()
                if time.monotonic() - since < KEEP_ALIVE_SECONDS:
                    return connection
                connection.close()
        return None

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append((connection, time.monotonic()))
                return
        connection.close()
