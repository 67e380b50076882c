"""A local file as a source of bytes, from a thread or from an event loop.

In the loop, what the page cache already holds is read in place (`RWF_NOWAIT`
never waits for a disk); only what it does not hold costs a thread.  A hop to a
thread takes about as long as reading 512 KiB from the cache.

Called by the doors, through `pacsgate.ports.ByteSource`.
"""

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread

from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.ports import Chunk

CHUNK_BYTES = 1024 * 1024
"""Most images are one chunk; each stream holds one in the loop, and one on its way out."""


class LocalFile:
    """One Part 10 file on this machine, `size` bytes long."""

    def __init__(self, path: Path, size: int) -> None:
        self.path: Path | None = path
        self.size: int | None = size
        self._file = path
        self._end = size

    def chunks(self) -> Iterator[bytes]:
        """The bytes, read where the caller runs."""
        with self._opened() as descriptor:
            offset = 0
            while offset < self._end:
                chunk = _read(descriptor, offset, self._end - offset)
                yield chunk
                offset += len(chunk)

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        """The bytes, without making the loop wait for a disk.

        The file is opened in place: `Archive.open` has just looked at it, so its
        inode is in memory.
        """
        with self._opened() as descriptor:
            offset = 0
            while offset < self._end:
                chunk: Chunk | None = _read_cached(descriptor, offset, self._end - offset)
                if chunk is None:
                    chunk = await anyio.to_thread.run_sync(_read, descriptor, offset, self._end - offset)
                yield chunk
                offset += len(chunk)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as gone:
            raise GoneError from gone
        except OSError as failure:
            raise _unreadable(failure) from failure
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _read_cached(descriptor: int, offset: int, size: int) -> memoryview | None:
    """What is in memory already; `None` when that is nothing, or the file system cannot say."""
    buffer = bytearray(min(CHUNK_BYTES, size))
    try:
        count = os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
    except OSError:
        return None
    return memoryview(buffer)[:count] if count else None


def _read(descriptor: int, offset: int, size: int) -> bytes:
    """As much as one chunk holds.  Asking for more than there is costs three times the time."""
    try:
        chunk = os.pread(descriptor, min(CHUNK_BYTES, size), offset)
    except OSError as failure:
        raise _unreadable(failure) from failure
    if not chunk:
        raise ArchiveError("the archive's file ends early")
    return chunk


def _unreadable(failure: OSError) -> ArchiveError:
    return ArchiveError("the archive cannot read this object", detail=f"errno {failure.errno}")
