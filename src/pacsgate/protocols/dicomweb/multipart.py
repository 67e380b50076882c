"""multipart/related, written and read as a stream.

The writer is three strings around each part; whoever streams the parts knows
their sizes or does not.  The reader is python-multipart's delimiter search
under limits of our own, and turns whatever chunks arrive into the same events.
A body has to begin with its boundary and to end with it: text before the first
delimiter is where two parsers start to disagree, and a body without its end is
half a message.

Called by the HTTP gateway (STOW requests, every multipart answer) and by
`pacsgate.upstream` (answers of an origin).

Invariants:
- the events of a body do not depend on how it was cut into chunks, but for
  where `PartData` is cut;
- an error is a `RequestError`; nothing is buffered but headers.

Standard: RFC 2046 5.1, RFC 2387; PS3.18 8.6.1.2 (multipart payloads).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.media_types import HeaderMediaType, read_media_type

PART_TAIL = b"\r\n"
"""What follows each part's bytes."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,99}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
"""RFC 2046 allows 70 characters; what another Orthanc sends has 73."""
_HEADER_VALUE = re.compile(rb"[\t -~\x80-\xff]*")


def content_type(boundary: str, part_type: str) -> str:
    """Return the `Content-Type` of a body whose parts have this media type."""
    return f'multipart/related; type="{part_type}"; boundary={boundary}'


def part_head(boundary: str, part_type: str, location: str | None = None) -> bytes:
    """Return what precedes one part's bytes.  `part_type` may carry parameters (`; transfer-syntax=…`)."""
    lines = [f"--{boundary}", f"Content-Type: {part_type}"]
    if location is not None:
        lines.append(f"Content-Location: {location}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def closing(boundary: str) -> bytes:
    """Return what follows the last part's tail."""
    return f"--{boundary}--\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class MultipartType:
    """What the `Content-Type` of a multipart/related body says.  `part_type` is that of its root part."""

    boundary: str
    part_type: str


def read_content_type(header: str | None) -> MultipartType:
    """Read the `Content-Type` of a multipart/related body: 415 for another type, 400 without a boundary."""
    given = read_media_type(header or "")
    if given.name != "multipart/related":
        raise RequestError("body is not `multipart/related`", status=415)
    return MultipartType(
        read_boundary(given), read_media_type(given.parameters.get("type", "application/dicom")).name
    )


def read_boundary(given: HeaderMediaType) -> str:
    """Return what separates the parts of a body: 400 without it."""
    boundary = given.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise RequestError("`Content-Type` has no boundary, or none that could be one")
    return boundary


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part begins; header names are in lower case."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """More bytes of the part that began last; a view of the chunk they came in, not a copy."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part is complete."""


@dataclass(frozen=True, slots=True)
class BodyEnd:
    """The closing delimiter was read; whatever follows it is not looked at."""


MultipartEvent = PartBegin | PartData | PartEnd | BodyEnd


@dataclass(frozen=True, slots=True)
class MultipartLimits:
    """How much is read.  Exceeding a size is 413; headers have limits because they are kept in memory."""

    total_bytes: int
    part_bytes: int
    parts: int = 10_000
    headers: int = 16
    header_bytes: int = 4096


class MultipartReader:
    """Reads one body, chunk by chunk.

    After a `RequestError` a reader is spent: the rest of the body has no meaning.
    """

    def __init__(self, boundary: str, limits: MultipartLimits) -> None:
        self._limits = limits
        self._events: list[MultipartEvent] = []
        self._headers: dict[str, str] = {}
        self._name = b""
        self._value = b""
        self._begun = False
        self._ended = False
        self._total = self._in_part = self._parts = 0
        self._parser = MultipartParser(
            boundary.encode("ascii"),
            callbacks={
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_ends,
                "on_end": self._body_ends,
            },
            max_header_count=limits.headers,
            max_header_size=limits.header_bytes,
        )

    def feed(self, chunk: bytes) -> list[MultipartEvent]:
        """Take the next bytes and return what they complete."""
        self._total += len(chunk)
        if self._total > self._limits.total_bytes:
            raise RequestError(f"body is larger than {self._limits.total_bytes} bytes", status=413)
        if not self._begun:
            # The parser takes anything up to a hyphen for a preamble, chunk by chunk; line ends are enough.
            chunk = chunk.lstrip(b"\r\n")
            self._begun = bool(chunk)
        if chunk and not self._ended:
            try:
                self._parser.write(chunk)
            except MultipartParseError:
                raise RequestError("multipart body is malformed") from None
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Say that no more bytes will come; a body that has not ended is refused."""
        if not self._ended:
            raise RequestError("multipart body is truncated: its closing boundary is missing")

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise RequestError(f"body has more than {self._limits.parts} parts", status=413)
        self._headers = {}
        self._in_part = 0

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        name = self._name.decode("ascii").lower()
        if name in self._headers or not _HEADER_VALUE.fullmatch(self._value):
            raise RequestError("multipart body has a part header that is malformed or given twice")
        self._headers[name] = self._value.decode("latin-1").strip(" \t")
        self._name = self._value = b""

    def _headers_end(self) -> None:
        self._events.append(PartBegin(self._headers))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._in_part += end - start
        if self._in_part > self._limits.part_bytes:
            raise RequestError(f"a part is larger than {self._limits.part_bytes} bytes", status=413)
        self._events.append(PartData(memoryview(data)[start:end]))

    def _part_ends(self) -> None:
        self._events.append(PartEnd())

    def _body_ends(self) -> None:
        self._ended = True
        self._events.append(BodyEnd())
