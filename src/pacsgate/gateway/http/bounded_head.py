"""The HTTP protocol of uvicorn with bounds on what comes before a body.

httptools collects a request line and headers however long they are and however
long they take, and uvicorn's own limit is for its other parser.  Without bounds
a client that nobody knows yet decides how much memory and how many connections
a worker spends on it.

Called by uvicorn, for each connection; `bootstrap` says so.

Invariants:
- memory for an incomplete head is at most `MAX_HEAD_BYTES` and one read of the socket.

Standard: RFC 9110 section 15.5.9 (408), RFC 6585 section 5 (431).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from pacsgate.gateway.http.gathering import GatheringTransport

MAX_HEAD_BYTES = 128 * 1024
"""The longest query that is read (64 KiB) and as much again; nginx stops at 32 KiB, Tomcat at 8."""
PEER_CERTIFICATE = "pacsgate.peer_certificate"
"""Key in the ASGI scope: the certificate (DER) that the peer has shown and TLS has verified."""
HEAD_SECONDS = 30
"""From the first byte of a head, or from the connection, to its end."""

_REFUSALS: Mapping[int, bytes] = {
    408: b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
}


class BoundedHeadProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._certificate: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Wait for the first head."""
        super().connection_made(GatheringTransport(transport, self.loop))
        secured = transport.get_extra_info("ssl_object")
        self._certificate = None if secured is None else secured.getpeercert(binary_form=True)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, 408)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too long by now."""
        if self.transport.is_closing():
            return
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        if self._certificate is not None:
            self.scope[PEER_CERTIFICATE] = self._certificate  # type: ignore[literal-required]  # ours, not ASGI's
        self._in_head = True
        self._head_bytes = 0
        self._cancel()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, 408)

    def on_headers_complete(self) -> None:
        """The head is whole; from here the body's reader sets the limits."""
        self._in_head = False
        self._cancel()
        super().on_headers_complete()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        self._cancel()
        if not self.transport.is_closing():
            self.transport.write(_REFUSALS[status])
            self.transport.close()
