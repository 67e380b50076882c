"""A body that brings objects, received object by object into the spool.

Called by `dicomweb.store` and `orthanc.upload`.

Invariants:
- memory holds one chunk; objects wait on disk, in the archive's own file system;
- whatever is not handed to an archive is gone when the `with` block ends;
- nothing is stored before the whole body has arrived.

Standard: PS3.18 section 10.5.1 (request payload).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self, assert_never

import anyio
from starlette.requests import ClientDisconnect

from pacsgate.gateway.http.zipped_uploads import is_zip, members
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
from pacsgate.protocols.orthanc.upload_body import FormFiles, OneFile, UploadBody, is_file
from pacsgate.upstream.spool import MAX_OBJECT_BYTES, Incoming, Spool, SpooledFile

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

    async def receive(self, body: StoreBody | UploadBody, chunks: AsyncIterator[bytes]) -> None:
        """Read a whole body.  Raises `RequestError`."""
        match body:
            case OneObject() | OneFile():
                await self._one(chunks)
            case ObjectParts(boundary):
                await self._parts(boundary, chunks, _every_part)
            case FormFiles(boundary):
                await self._parts(boundary, chunks, is_file)
            case _:
                assert_never(body)
        if not self.files:
            raise RequestError("the body holds no object")

    def unpack_zips(self) -> None:
        """Put what zips hold in their place.  Blocking; raises `RequestError` for one without measure."""
        received, self.files = self.files, []
        for file in received:
            if not is_zip(file.path):
                self.files.append(file)
                continue
            for member in members(file, MAX_BODY_BYTES):
                self._begin()
                for chunk in member:
                    self._write(chunk)
                self._end()

    async def _one(self, chunks: AsyncIterator[bytes]) -> None:
        self._begin()
        async for chunk in _arriving(chunks):
            self._write(chunk)
        self._end()

    async def _parts(
        self, boundary: str, chunks: AsyncIterator[bytes], is_object: Callable[[Mapping[str, str]], bool]
    ) -> None:
        reader = MultipartReader(
            boundary, MultipartLimits(total_bytes=MAX_BODY_BYTES, part_bytes=MAX_OBJECT_BYTES)
        )
        taken = False
        async for chunk in _arriving(chunks):
            for event in reader.feed(chunk):
                match event:
                    case PartBegin(headers):
                        taken = is_object(headers)
                        if taken:
                            self._begin()
                    case PartData(data) if taken:
                        self._write(data)
                    case PartEnd() if taken:
                        self._end()
                    case PartData() | PartEnd():
                        pass
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


def _every_part(headers: Mapping[str, str]) -> bool:
    require_dicom_part(headers)
    return True


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
