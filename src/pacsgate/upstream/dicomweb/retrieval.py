"""One instance of an origin as a source of bytes: fetched when read, unwrapped as it streams.

The request asks for `transfer-syntax=*`, the stored one, so that nothing is
transcoded on the way.

An origin that says how long the answer and how long its only part is (Orthanc does) is taken at
its word: if both agree to the byte, the object's bytes are handed on without being looked
through for a delimiter, and its size is known before they are.

Called by the doors, through `pacsgate.ports.ByteSource`.

Invariants:
- nothing is held but the chunk in hand;
- a body that ends early, or holds anything but one object, is an `ArchiveError`.

Standard: PS3.18 10.4 (Retrieve), 8.7.3.5 (transfer syntax `*`); RFC 2046 5.1.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk
from pacsgate.protocols.dicomweb.multipart import (
    PART_TAIL,
    BodyEnd,
    MultipartLimits,
    MultipartReader,
    PartBegin,
    PartData,
    PartEnd,
    closing,
    read_content_type,
)
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.http.client import OriginClient

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_MAX_OBJECT_BYTES = 1 << 40
"""Streams are not held, so this only ends a body that would never end; no DICOM object comes near 1 TiB."""
_LIMITS = MultipartLimits(total_bytes=_MAX_OBJECT_BYTES, part_bytes=_MAX_OBJECT_BYTES, parts=1)
_HEAD_END = b"\r\n\r\n"
_PART_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*(?=\r\n)")


class RemoteInstance:
    """The Part 10 bytes behind one DICOMweb path.  Their size may be known with their first chunk."""

    path: Path | None = None

    def __init__(self, client: OriginClient, background: BackgroundLoop, resource: str) -> None:
        self.size: int | None = None
        self._client = client
        self._background = background
        self._resource = resource

    def chunks(self) -> Iterator[Chunk]:
        """Fetch through the background loop."""
        return self._background.iterate(self._fetch())

    def stream(self) -> AsyncGenerator[Chunk, None]:
        """Fetch in the running loop.  Close the iterator when leaving early (`contextlib.aclosing`)."""
        return self._fetch()

    async def _fetch(self) -> AsyncGenerator[Chunk, None]:
        async with self._client.fetch(self._resource, headers={"Accept": _ACCEPT}) as answer:
            chunk = await answer.next()
            unwrapping, self.size = _unwrapping(answer.headers, chunk or b"")
            while chunk is not None:
                for piece in unwrapping.feed(chunk):
                    yield piece
                chunk = await answer.next()
            unwrapping.close()


class _Unwrapping(Protocol):
    """Takes an answer's body and gives the object's bytes."""

    def feed(self, chunk: bytes) -> Iterator[Chunk]: ...

    def close(self) -> None: ...


def _unwrapping(headers: Mapping[str, str], first: bytes) -> tuple[_Unwrapping, int | None]:
    """How this answer is to be read, and the size of the object in it if that is known."""
    written = headers.get("content-length", "")
    total = int(written) if written.isdecimal() else None
    header = headers.get("content-type", "")
    if header.partition(";")[0].strip().lower() == "application/dicom":
        return _Measured(b"", total, b""), total
    try:
        boundary = read_content_type(header).boundary
    except RequestError as damage:
        raise unreadable(damage.public) from None
    head = first[: first.find(_HEAD_END) + len(_HEAD_END)]
    tail = PART_TAIL + closing(boundary)
    size = _size_of_part(boundary, head)
    if size is None or total != len(head) + size + len(tail):
        return _Delimited(boundary), None
    return _Measured(head, size, tail), size


def _size_of_part(boundary: str, head: bytes) -> int | None:
    """What a part's head says of its size, if this is a whole and regular head."""
    opening = f"--{boundary}\r\n".encode("ascii")
    lengths = _PART_LENGTH.findall(head)
    return int(lengths[0]) if head.startswith(opening) and len(lengths) == 1 else None


class _Measured:
    """Bytes whose place in the body is known; what surrounds them is compared and dropped."""

    def __init__(self, head: bytes, size: int | None, tail: bytes) -> None:
        self._skip = len(head)
        self._left = size
        self._tail = tail

    def feed(self, chunk: bytes) -> Iterator[Chunk]:
        view = memoryview(chunk)[self._skip :]
        self._skip = 0
        if self._left is None:
            yield view
            return
        mine, rest = view[: self._left], view[self._left :]
        self._left -= len(mine)
        if rest:
            if self._tail[: len(rest)] != rest:
                raise unreadable("bytes after the object")
            self._tail = self._tail[len(rest) :]
        if mine:
            yield mine

    def close(self) -> None:
        if self._left or self._tail:
            raise unreadable("the object ends early")


class _Delimited:
    """A multipart body of one part, looked through for its delimiters."""

    def __init__(self, boundary: str) -> None:
        self._reader = MultipartReader(boundary, _LIMITS)

    def feed(self, chunk: bytes) -> Iterator[Chunk]:
        try:
            events = self._reader.feed(chunk)
        except RequestError as damage:
            raise unreadable(damage.public) from None
        for event in events:
            match event:
                case PartData(data):
                    yield data
                case PartBegin() | PartEnd() | BodyEnd():
                    pass

    def close(self) -> None:
        try:
            self._reader.close()
        except RequestError as damage:
            raise unreadable(damage.public) from None
