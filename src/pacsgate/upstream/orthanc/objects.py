"""Instances of an Orthanc as bytes: one handed on while it comes, or many fetched to be looked into.

Called by `archive`; handed to the doors, through `pacsgate.ports.ByteSource`.

Invariants:
- of an object that is handed on, nothing is held but the chunk in hand;
- of those that are looked into, a few wait in the gate's own workspace, and none is left there.
"""

import asyncio
import hashlib
import io
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Chunk
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.upstream.http.background import BackgroundLoop
from pacsgate.upstream.orthanc.places import places
from pacsgate.upstream.orthanc.rest import RestClient, length_of
from pacsgate.upstream.spool import Spool, create_private

_AHEAD = 3
"""Objects on their way while one is looked into: Orthanc's disk and the gate's processor take turns else."""


class RemoteFile:
    """The Part 10 file of one instance, fetched when it is read; so a 404 comes with the first chunk."""

    path: Path | None = None

    def __init__(self, rest: RestClient, background: BackgroundLoop, key: ResourceKey) -> None:
        self.size: int | None = None
        self._rest = rest
        self._background = background
        self._key = key

    def chunks(self) -> Iterator[Chunk]:
        """Fetch through the background loop."""
        return self._background.iterate(self.stream())

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """Fetch in the running loop.  Close the iterator when leaving early (`contextlib.aclosing`)."""
        found = await places(self._rest, self._key)
        if len(found) > 1:
            raise ArchiveError("the archive holds this object of several patients")
        async with self._rest.fetch(f"{found[0].path}/file") as answer:
            self.size = length_of(answer.headers)
            while (chunk := await answer.next()) is not None:
                yield chunk


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One instance, whole, in the gate's workspace until the next one is asked for."""

    orthanc_id: str
    path: Path
    size: int
    digest: str


async def fetched_files(
    rest: RestClient, spool: Spool, wanted: Sequence[str]
) -> AsyncGenerator[FetchedFile, None]:
    """Each instance's file in turn, with a few on their way; what has gone meanwhile is left out."""
    coming: deque[asyncio.Task[FetchedFile | None]] = deque()
    to_ask = iter(wanted)
    try:
        while True:
            for identifier in islice(to_ask, 1 + _AHEAD - len(coming)):
                coming.append(asyncio.create_task(_fetched(rest, spool.new_path(), identifier)))
            if not coming:
                return
            with _removed(await coming.popleft()) as file:
                if file is not None:
                    yield file
    finally:
        for task in coming:
            task.cancel()
        for left in await asyncio.gather(*coming, return_exceptions=True):
            if isinstance(left, FetchedFile):
                with _removed(left):
                    pass


async def _fetched(rest: RestClient, path: Path, identifier: str) -> FetchedFile | None:
    sha256, size = hashlib.sha256(), 0
    try:
        with _whole_or_removed(path) as file:
            async with rest.ask(OrthancRequest("GET", f"/instances/{identifier}/file")) as response:
                async for chunk in response.stream():
                    file.write(chunk)
                    sha256.update(chunk)
                    size += len(chunk)
    except GoneError:
        return None
    return FetchedFile(identifier, path, size, sha256.hexdigest())


@contextmanager
def _whole_or_removed(path: Path) -> Iterator[io.FileIO]:
    is_whole = False
    try:
        with create_private(path) as file:
            yield file
        is_whole = True
    finally:
        if not is_whole:
            path.unlink(missing_ok=True)


@contextmanager
def _removed(file: FetchedFile | None) -> Iterator[FetchedFile | None]:
    try:
        yield file
    finally:
        if file is not None:
            file.path.unlink(missing_ok=True)
