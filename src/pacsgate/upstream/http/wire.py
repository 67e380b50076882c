"""One kept connection to an origin, asked with GET: as little as can be between the socket and the reader.

An object is half a megabyte and more, and all the gate does with it is hand it on.  So once the
head of an answer with a known length is read, nothing looks at the bytes any more but to count
them.  (A general client takes 0.4 ms of a processor for such an object, this one 0.13; see
docs/performance.md.)

Called by `fetching`.

Invariants:
- a connection whose last answer did not end as it said is never used again;
- what was received and not yet read is bounded: a slow reader makes the origin wait.

Standard: RFC 9112 (HTTP/1.1).
"""

import asyncio
from collections import deque
from typing import cast

import httptools

MAX_HEAD_BYTES = 64 * 1024
_HELD_BYTES = 512 * 1024
"""Of one answer; beyond it nothing more is read from the socket."""


_BODILESS = frozenset({204, 304})


class WireError(Exception):
    """The connection or the answer broke; `stale` if the origin had left before it answered anything."""

    def __init__(self, what: str, *, stale: bool = False) -> None:
        super().__init__(what)
        self.stale = stale


class Connection(asyncio.Protocol):
    """A connection; between two answers it is idle."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._chunks: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: WireError | None = None
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers = {}
        self._chunks.clear()
        self._head_bytes = 0
        self._has_head = self._is_complete = self._is_paused = self._keeps = False
        self._left: int | None = None
        self._held = 0

    # ---------------------------------------------------------------- for who asks

    @property
    def is_idle(self) -> bool:
        """Whether another question may be asked."""
        return self._failure is None and (self._parser is None or (self._is_complete and self._keeps))

    def ask(self, head: bytes) -> None:
        """Send a request without a body."""
        self._reset()
        self._parser = httptools.HttpResponseParser(self)
        if self._transport is not None and self._failure is None:
            self._transport.write(head)

    async def answered(self, seconds: float) -> None:
        """Wait for status and headers.  Raises `WireError`, or `TimeoutError` after that much silence."""
        while not self._has_head:
            await self._more(seconds)

    async def next(self, seconds: float) -> bytes | None:
        """The next bytes of the body, `None` at its end.  Raises like `answered`."""
        while not self._chunks:
            if self._is_complete:
                return None
            await self._more(seconds)
        chunk = self._chunks.popleft()
        self._held -= len(chunk)
        if self._is_paused and self._held < _HELD_BYTES and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return chunk

    def close(self) -> None:
        """Leave, whatever may still be on its way."""
        if self._transport is not None:
            self._transport.abort()

    async def _more(self, seconds: float) -> None:
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        silence = loop.call_later(seconds, self._wake, TimeoutError())
        try:
            await self._waiter
        finally:
            silence.cancel()
            self._waiter = None

    def _wake(self, raised: Exception | None = None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if raised is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(raised)

    # ---------------------------------------------------------------- for the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to be asked."""
        # uvloop's transports are asyncio's in all but their base class.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer without a length ends here; any other that has not ended is broken."""
        without_length = self._has_head and self._left is None and not self._is_chunked
        if exc is None and without_length and not self._is_complete:
            self._is_complete = True
        if self._failure is None:
            self._failure = WireError("the connection was closed", stale=self._head_bytes == 0)
        self._wake(None if self._is_complete else self._failure)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to the body, read everything else."""
        if self._left is not None:
            self._take(data)
        elif self._parser is None or self._is_complete:
            self._fail("bytes that nobody asked for")
            return
        else:
            self._head_bytes += len(data)
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                self._fail("not HTTP")
                return
            if not self._has_head and self._head_bytes > MAX_HEAD_BYTES:
                self._fail("a head without an end")
                return
        self._wake()

    def _take(self, data: bytes) -> None:
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._fail("more bytes than announced")
                return
            self._is_complete = self._left == 0
        self._chunks.append(data)
        self._held += len(data)
        if self._held > _HELD_BYTES and not self._is_complete and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def _fail(self, what: str) -> None:
        self._failure = WireError(what)
        self._wake(self._failure)
        self.close()

    @property
    def _is_chunked(self) -> bool:
        return "transfer-encoding" in self.headers

    # ---------------------------------------------------------------- for the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole, unless it was only an interim one (RFC 9110 15.2)."""
        if self._parser is None or self._parser.get_status_code() < 200:
            self.headers = {}
            return
        self.status = self._parser.get_status_code()
        self._has_head = True
        self._keeps = self._parser.should_keep_alive()
        if "content-length" in self.headers and not self._is_chunked and self.status not in _BODILESS:
            self._left = int(self.headers["content-length"])

    def on_body(self, body: bytes) -> None:
        """Bytes of the body that came together with the head, or without a length."""
        self._take(body)

    def on_message_complete(self) -> None:
        """The answer has ended; if only an interim one, the real one follows."""
        self._is_complete = self._has_head
