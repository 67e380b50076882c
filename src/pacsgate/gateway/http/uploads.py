"""A STOW-RS body, received object by object into the spool.

Called by `dicomweb_store`.

Invariants:
- memory holds one chunk; objects wait on disk, in the archive's own file system;
- whatever is not handed to an archive is gone when the `with` block ends;
- nothing is stored before the whole body has arrived.

Standard: PS3.18 section 10.5.1 (request payload).
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import anyio
from starlette.requests import ClientDisconnect

from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk
from pacsgate.protocols.dicomweb.multipart import (
    BodyEnd,
    MultipartLimits,
    MultipartReader,
    PartBegin,
    PartData,
    PartEnd,
)
from pacsgate.protocols.dicomweb.store_request import ObjectParts, OneObject, StoreBody, require_dicom_part
from pacsgate.upstream.spool import Incoming, Spool, SpooledFile

MAX_OBJECT_BYTES = 8 * 1024**3
"""One object: PS3.5 limits an element of defined length to 4 GiB; encapsulated frames may add up to more."""
MAX_BODY_BYTES = 64 * 1024**3
"""One request: the largest studies in clinical use have a few tens of gigabytes."""

PAUSE_SECONDS = 60
"""How long a sender may be silent in the middle of a body; nginx gives up after the same time."""


class Uploads:
    """The objects of one request while they wait.  A context manager."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._stack = ExitStack()
        self._current: Incoming | None = None
        self.files: list[SpooledFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    async def receive(self, body: StoreBody, chunks: AsyncIterator[bytes]) -> None:
        """Read a whole body.  Raises `RequestError`."""
        match body:
            case OneObject():
                await self._one(chunks)
            case ObjectParts(boundary):
                await self._parts(boundary, chunks)
        if not self.files:
            raise RequestError("the body holds no object")

    async def _one(self, chunks: AsyncIterator[bytes]) -> None:
        self._begin()
        async for chunk in _arriving(chunks):
            self._write(chunk)
        self._end()

    async def _parts(self, boundary: str, chunks: AsyncIterator[bytes]) -> None:
        reader = MultipartReader(
            boundary, MultipartLimits(total_bytes=MAX_BODY_BYTES, part_bytes=MAX_OBJECT_BYTES)
        )
        async for chunk in _arriving(chunks):
            for event in reader.feed(chunk):
                match event:
                    case PartBegin(headers):
                        require_dicom_part(headers)
                        self._begin()
                    case PartData(data):
                        self._write(data)
                    case PartEnd():
                        self._end()
                    case BodyEnd():
                        pass
        reader.close()

    def _begin(self) -> None:
        self._current = self._stack.enter_context(self._spool.begin(MAX_OBJECT_BYTES))

    def _write(self, data: Chunk) -> None:
        if self._current is None:
            raise RequestError("the body holds bytes outside its parts")
        self._current.write(data)

    def _end(self) -> None:
        if self._current is None:
            raise RequestError("the body ends a part that did not begin")
        self.files.append(self._current.finish())
        self._current = None


async def _arriving(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a body, from a sender that stays and goes on."""
    while True:
        try:
            with anyio.fail_after(PAUSE_SECONDS):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise RequestError("the body stopped arriving", status=408) from None
        except ClientDisconnect:
            raise RequestError("the sender left in the middle of the body") from None
        if chunk is None:
            return
        yield chunk
