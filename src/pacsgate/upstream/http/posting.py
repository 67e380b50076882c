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

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import quote, urlsplit

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.http.fetching import KEEP_ALIVE_SECONDS
from pacsgate.upstream.http.settings import OriginSettings

_BLOCK_BYTES = 256 * 1024
_MOST_KEPT = 32
"""Idle connections; as many threads rarely store at once."""
_UNAUTHORIZED = 401

Authorize = Callable[[], Mapping[str, str]]
"""Makes the headers that authorize one request."""


class Posted:
    """An answer: its status, its headers by lower-case names, and its whole body."""

    def __init__(self, response: http.client.HTTPResponse, at_most: int) -> None:
        """Raises `ArchiveError` for a body of more than `at_most` bytes."""
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read(at_most + 1)
        if len(self.body) > at_most:
            raise ArchiveError("the archive's answer is too large", detail=f"more than {at_most} bytes")


class Poster:
    """The way to one origin, for any number of threads."""

    def __init__(
        self, settings: OriginSettings, tls: ssl.SSLContext, authorize: Authorize, renew: Callable[[], bool]
    ) -> None:
        """`renew` forgets who asks, and says whether there is somebody else to be."""
        parts = urlsplit(settings.root)
        self._host, self._port, self._authority = parts.hostname or "", parts.port, parts.netloc
        self._tls = tls if parts.scheme == "https" else None
        self._path = quote(parts.path, safe="/%:@!$&'()*+,;=")
        self._seconds = settings.timeout_seconds
        self._authorize, self._renew = authorize, renew
        self._kept: list[tuple[http.client.HTTPConnection, float]] = []
        self._lock = Lock()

    def post(self, path: str, body: bytes | Path, at_most: int) -> Posted:
        """Send a body, a file's or in hand, to a path of the gate's own making below the root.

        Raises `OSError` (TLS errors among them), `TimeoutError`, `http.client.HTTPException`, `ArchiveError`.
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

    def _posted(self, path: str, body: bytes | Path, at_most: int) -> Posted:
        headers = self._authorize()
        connection = self._take_kept()
        if connection is not None:
            try:
                response = self._answering(connection, path, headers, body)
            except (BrokenPipeError, ConnectionResetError):  # of the latter, `RemoteDisconnected` is one
                pass
            else:
                return self._read(connection, response, at_most)
        connection = self._connected()
        return self._read(connection, self._answering(connection, path, headers, body), at_most)

    def _answering(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Path,
    ) -> http.client.HTTPResponse:
        """The answer, when its head has come."""
        is_answering = False
        try:
            self._send(connection, path, headers, body)
            response = connection.getresponse()
            is_answering = True
        finally:
            if not is_answering:
                connection.close()
        return response

    def _read(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, at_most: int
    ) -> Posted:
        is_whole = False
        try:
            answer = Posted(response, at_most)
            is_whole = not response.will_close
        finally:
            if is_whole:
                self._keep(connection)
            else:
                connection.close()
        return answer

    def _send(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Path,
    ) -> None:
        size = body.stat().st_size if isinstance(body, Path) else len(body)
        fields = {
            "Host": self._authority,
            "Accept-Encoding": "identity",
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            **headers,
        }
        connection.putrequest("POST", self._path + path, skip_host=True, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name, value)
        if not isinstance(body, Path):
            connection.endheaders(body)
            return
        connection.endheaders()
        with body.open("rb", buffering=0) as file:
            if self._tls is None:
                connection.sock.sendfile(file)
            else:
                while block := file.read(_BLOCK_BYTES):
                    connection.send(block)

    def _connected(self) -> http.client.HTTPConnection:
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._seconds, context=self._tls
            )
        connection.connect()
        return connection

    def _take_kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            while self._kept:
                connection, since = self._kept.pop()
                if time.monotonic() - since < KEEP_ALIVE_SECONDS:
                    return connection
                connection.close()
        return None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append((connection, time.monotonic()))
                return
        connection.close()
