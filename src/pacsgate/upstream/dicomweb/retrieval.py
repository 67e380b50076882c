"""One instance of an origin as a source of bytes: fetched when read, unwrapped as it streams.

The request asks for `transfer-syntax=*`, the stored one, so that nothing is
transcoded on the way.

Called by the doors, through `pacsgate.ports.ByteSource`.

Invariants:
- nothing is held but the chunk in hand;
- a body that ends early, or holds anything but one object, is an `ArchiveError`.

Standard: PS3.18 10.4 (Retrieve), 8.7.3.5 (transfer syntax `*`).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk
from pacsgate.protocols.dicomweb.multipart import (
    BodyEnd,
    MultipartLimits,
    MultipartReader,
    PartBegin,
    PartData,
    PartEnd,
    read_content_type,
)
from pacsgate.upstream.dicomweb.answers import unreadable
from pacsgate.upstream.dicomweb.background import BackgroundLoop
from pacsgate.upstream.dicomweb.client import OriginClient

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_MAX_OBJECT_BYTES = 1 << 40
"""Streams are not held, so this only ends a body that would never end; no DICOM object comes near 1 TiB."""
_LIMITS = MultipartLimits(total_bytes=_MAX_OBJECT_BYTES, part_bytes=_MAX_OBJECT_BYTES, parts=1)


class RemoteInstance:
    """The Part 10 bytes behind one DICOMweb path.  Their size is not known before they are read."""

    path: Path | None = None
    size: int | None = None

    def __init__(self, client: OriginClient, background: BackgroundLoop, resource: str) -> None:
        self._client = client
        self._background = background
        self._resource = resource

    def chunks(self) -> Iterator[Chunk]:
        """Fetch through the background loop."""
        return self._background.iterate(self._fetch())

    def stream(self) -> AsyncIterator[Chunk]:
        """Fetch in the running loop.  Close the iterator when leaving early (`contextlib.aclosing`)."""
        return self._fetch()

    async def _fetch(self) -> AsyncGenerator[Chunk, None]:
        async with self._client.request("GET", self._resource, headers={"Accept": _ACCEPT}) as response:
            # aiohttp's own `content_type` goes through the e-mail parser: 0.3 ms for each new boundary.
            header = response.headers.get("Content-Type", "")
            if header.partition(";")[0].strip().lower() == "application/dicom":
                async for chunk in response.content.iter_any():
                    yield chunk
                return
            reader = _reader(header)
            async for chunk in response.content.iter_any():
                for piece in _unwrap(reader, chunk):
                    yield piece
            try:
                reader.close()
            except RequestError as damage:
                raise unreadable(damage.public) from None


def _reader(content_type: str) -> MultipartReader:
    try:
        boundary = read_content_type(content_type).boundary
    except RequestError as damage:
        raise unreadable(damage.public) from None
    return MultipartReader(boundary, _LIMITS)


def _unwrap(reader: MultipartReader, chunk: bytes) -> Iterator[memoryview]:
    try:
        events = reader.feed(chunk)
    except RequestError as damage:
        raise unreadable(damage.public) from None
    for event in events:
        match event:
            case PartData(data):
                yield data
            case PartBegin() | PartEnd() | BodyEnd():
                pass
