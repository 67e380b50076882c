"""GET requests to one origin over connections that are kept for the next.

Called by `client`, which adds who asks and says what an answer's status means.

Invariants:
- certificates are verified as the context that it is given does it;
- a request is sent again only if the kept connection that it went to had been left by the origin
  before a single byte came back.

Standard: RFC 9112 9.3 (persistence).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from pacsgate.upstream.http.wire import Connection, WireError

KEEP_ALIVE_SECONDS = 0.8
"""Orthanc 1.10 closes a connection that was idle for 1 s; what is sent just then must be sent twice."""
_PORTS = {"http": 80, "https": 443}


class Answer:
    """One answer, while it is lent: its head, and the bytes of its body as they come."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self.status = connection.status
        self.headers: Mapping[str, str] = connection.headers
        self._connection = connection
        self._seconds = seconds

    async def next(self) -> bytes | None:
        """The next bytes of the body, `None` at its end.  Raises `WireError`, `TimeoutError`."""
        return await self._connection.next(self._seconds)


class Fetcher:
    """The way to one origin.  `seconds` bounds connecting and each silence."""

    def __init__(self, root: str, tls: ssl.SSLContext, seconds: float) -> None:
        parts = urlsplit(root)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = tls if parts.scheme == "https" else None
        self._seconds = seconds
        self._path = quote(parts.path, safe="/%:@!$&'()*+,;=")
        self._authority = parts.netloc
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[Connection, float]]] = (
            WeakKeyDictionary()
        )

    @asynccontextmanager
    async def get(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[Answer]:
        """Ask for a path below the root, and lend the answer.

        Raises `WireError`, `OSError` (TLS errors among them) and `TimeoutError`, also while the body is read.
        """
        fields = {"Host": self._authority, "Accept-Encoding": "identity", **headers}
        lines = [f"GET {self._path}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        connection = await self._answering(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        try:
            yield Answer(connection, self._seconds)
        finally:
            self._keep(connection)

    def close(self) -> None:
        """Close what the running loop has kept."""
        for connection, _ in self._kept.pop(asyncio.get_running_loop(), []):
            connection.close()

    async def _answering(self, head: bytes) -> Connection:
        """A connection on which the answer has begun."""
        connection = self._take_kept()
        if connection is not None:
            try:
                return await self._ask(connection, head)
            except WireError as broken:
                if not broken.stale:
                    raise
        return await self._ask(await self._connect(), head)

    async def _ask(self, connection: Connection, head: bytes) -> Connection:
        is_answering = False
        try:
            connection.ask(head)
            await connection.answered(self._seconds)
            is_answering = True
        finally:
            # Cancelled, timed out or broken, it can be of no use to anybody else.
            if not is_answering:
                connection.close()
        return connection

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds):
            _, connection = await loop.create_connection(Connection, self._host, self._port, ssl=self._tls)
        return connection

    def _take_kept(self) -> Connection | None:
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        while kept:
            connection, since = kept.pop()
            if connection.is_idle and loop.time() - since < KEEP_ALIVE_SECONDS:
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        if not connection.is_idle:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        kept = self._kept.setdefault(loop, [])
        while kept and now - kept[0][1] >= KEEP_ALIVE_SECONDS:
            kept.pop(0)[0].close()
        kept.append((connection, now))
