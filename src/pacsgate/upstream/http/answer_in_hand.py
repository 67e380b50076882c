"""One small answer of an origin, read from a blocking socket to its end.

Python's own client reads the head of an answer as if it were a mail, which costs more of a processor
than sending the question; here httptools reads it, as it does for `wire`.

Called by `posting`, which keeps the connection if the answer says that it may.

Invariants:
- head and body are bounded, and are refused before more of them is read;
- `keeps` only if the answer ended as it said, and nothing followed it.

Standard: RFC 9112 (HTTP/1.1).
"""

import socket

import httptools

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.http.wire import MAX_HEAD_BYTES, WireError

_RECEIVED_BYTES = 64 * 1024


class AnswerInHand:
    """An answer: its status, its headers by lower-case names, and its whole body."""

    def __init__(self, at_most: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.keeps = False
        """Whether the connection may be asked again."""
        self._at_most = at_most
        self._body = bytearray()
        self._head_bytes = 0
        self._has_head = self._is_complete = self._is_followed = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return bytes(self._body)

    @property
    def is_complete(self) -> bool:
        """Whether all of it is there."""
        return self._is_complete

    def take(self, data: bytes) -> None:
        """Read on; nothing more comes after no bytes.

        Raises `ConnectionResetError` when nothing has come at all, `WireError`, `ArchiveError`.
        """
        if not data:
            self._end()
            return
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise WireError("not HTTP") from None
        if not self._has_head and self._head_bytes > MAX_HEAD_BYTES:
            raise WireError("a head without an end")
        if len(self._body) > self._at_most:
            raise ArchiveError("the archive's answer is too large", detail=f"more than {self._at_most} bytes")
        self.keeps = self.keeps and not self._is_followed

    def _end(self) -> None:
        if not self._head_bytes:
            raise ConnectionResetError("the origin left before it answered")
        has_length = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self._has_head or has_length:
            raise WireError("the connection was closed")
        self._is_complete = True

    # ---------------------------------------------------------------- for the parser

    def on_message_begin(self) -> None:
        """An answer begins; after the one that was asked for there is none."""
        self._is_followed = self._is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole, unless it was only an interim one (RFC 9110 15.2)."""
        status = self._parser.get_status_code()
        if status < 200:
            self.headers = {}
            return
        self.status, self._has_head = status, True

    def on_body(self, body: bytes) -> None:
        """Bytes of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """The answer has ended; if only an interim one, the real one follows."""
        if self._has_head:
            self._is_complete = True
            self.keeps = self._parser.should_keep_alive()


def read_answer(connection: socket.socket, at_most: int) -> AnswerInHand:
    """The whole answer that comes next.  Raises what `take` does, `OSError` and `TimeoutError`."""
    answer = AnswerInHand(at_most)
    while not answer.is_complete:
        answer.take(connection.recv(_RECEIVED_BYTES))
    return answer
