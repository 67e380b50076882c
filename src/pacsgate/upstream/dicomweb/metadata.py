"""Metadata of an origin, one instance at a time however many there are.

A study's metadata may be hundreds of megabytes of JSON; ijson hands out each
instance as soon as it is complete, and only that one is held.

Called by `origin`.

Standard: PS3.18 10.4.1.1.2 (metadata resources), Annex F.
"""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import ijson

from pacsgate.dicom.json_model import MAX_DEPTH
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.dicomweb.data_sets import read_data_set
from pacsgate.upstream.http.answers import unreadable
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.http.client import OriginClient

_MAX_INSTANCE_BYTES = 64 * 1024 * 1024
"""JSON of one instance.  The largest enhanced multi-frame headers are some 20 MB."""
_MAX_JSON_DEPTH = 4 * MAX_DEPTH
"""A sequence item is three levels of JSON (element, list, item), a person name one more."""
_OPENING = frozenset({"start_map", "start_array"})
_CLOSING = frozenset({"end_map", "end_array"})


def instances(client: OriginClient, background: BackgroundLoop, resource: str) -> Iterator[DicomJson]:
    """The data set of each instance below a resource, without bulk data.  Raises `GoneError`."""
    feed = _Feed(background.iterate(_body(client, f"{resource}/metadata")))
    try:
        for item in _items(feed):
            feed.allowance = _MAX_INSTANCE_BYTES
            yield read_data_set(item)
    except ijson.JSONError:
        raise unreadable("metadata is not JSON") from None


def _items(feed: "_Feed") -> Iterator[Any]:
    """Each member of the outermost list.

    `ijson.items` would do, but keeps the path of every event as text: a hundred
    thousand opening brackets cost it gigabytes.
    """
    depth = 0
    builder = ijson.ObjectBuilder()
    for event, value in ijson.basic_parse(feed, use_float=True):
        opens, closes = event in _OPENING, event in _CLOSING
        depth += opens
        if depth > _MAX_JSON_DEPTH:
            raise unreadable("metadata is nested too deeply")
        if depth > 1:
            builder.event(event, value)
        elif not opens and not closes:
            raise unreadable("metadata is not a list of data sets")
        depth -= closes
        if closes and depth == 1:
            yield builder.value
            builder = ijson.ObjectBuilder()


async def _body(client: OriginClient, resource: str) -> AsyncGenerator[bytes, None]:
    async with client.request("GET", resource, headers={"Accept": "application/dicom+json"}) as response:
        if response.status == 204:
            yield b"[]"
            return
        async for chunk in response.content.iter_any():
            yield chunk


class _Feed:
    """Chunks as the file that ijson reads, up to an allowance that each complete instance renews."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._begun = False
        self.allowance = _MAX_INSTANCE_BYTES

    def read(self, size: int) -> bytes:
        """The next chunk, whatever size was asked for; ijson asks for none to learn the type."""
        if size == 0:
            return b""
        chunk = next(self._chunks, b"")
        self.allowance -= len(chunk)
        if not self._begun and (start := chunk.lstrip()):
            # Anything but a list has no "items", which would read as: the study has no instances.
            if not start.startswith(b"["):
                raise unreadable("metadata is not a list")
            self._begun = True
        if self.allowance < 0:
            raise ArchiveError("the archive's answer is too large", detail="metadata of one instance")
        return chunk
