"""A local file as a source of bytes, from a thread or from an event loop.

In the loop, what the page cache already holds is read in place (`RWF_NOWAIT`
never waits for a disk); only what it does not hold costs a thread.  A hop to a
thread takes about as long as reading 512 KiB from the cache.

Called by the doors, through `pacsgate.ports.ByteSource`.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread

from pacsgate.model.errors import ArchiveError, RequestError

CHUNK_BYTES = 256 * 1024


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
                chunk = _read(descriptor, offset)
                yield chunk
                offset += len(chunk)

    async def stream(self) -> AsyncIterator[bytes]:
        """The bytes, without making the loop wait for a disk.

        The file is opened in place: `Archive.open` has just looked at it, so its
        inode is in memory.
        """
        with self._opened() as descriptor:
            offset = 0
            while offset < self._end:
                chunk = _read_cached(descriptor, offset)
                if chunk is None:
                    chunk = await anyio.to_thread.run_sync(_read, descriptor, offset)
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


def _read_cached(descriptor: int, offset: int) -> bytes | None:
    """What is in memory already; `None` when that is nothing, or the file system cannot say."""
    buffer = bytearray(CHUNK_BYTES)
    try:
        count = os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
    except OSError:
        return None
    return bytes(memoryview(buffer)[:count]) or None


def _read(descriptor: int, offset: int) -> bytes:
    try:
        chunk = os.pread(descriptor, CHUNK_BYTES, offset)
    except OSError as failure:
        raise _unreadable(failure) from failure
    if not chunk:
        raise ArchiveError("the archive's file ends early")
    return chunk


def _unreadable(failure: OSError) -> ArchiveError:
    return ArchiveError("the archive cannot read this object", detail=f"errno {failure.errno}")
