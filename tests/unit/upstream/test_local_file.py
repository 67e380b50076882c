"""A local file as a source of bytes."""

import asyncio
import os
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.upstream.local_file import CHUNK_BYTES, LocalFile, _read_cached


async def streamed(file: LocalFile) -> bytes:
    return b"".join([chunk async for chunk in file.stream()])


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7])
def test_thread_and_loop_read_the_same_bytes_cached_or_not(tmp_path: Path, size: int) -> None:
    path = tmp_path / "object"
    path.write_bytes(data := os.urandom(size))
    file = LocalFile(path, size)
    assert b"".join(file.chunks()) == data
    assert asyncio.run(streamed(file)) == data
    forget(path)
    assert asyncio.run(streamed(file)) == data


def test_the_loop_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(os.urandom(4 * CHUNK_BYTES))
    descriptor = os.open(path, os.O_RDONLY)
    assert _read_cached(descriptor, 0, CHUNK_BYTES) is not None
    forget(path)
    assert _read_cached(descriptor, 0, CHUNK_BYTES) is None
    os.close(descriptor)


def test_a_file_that_is_shorter_than_it_was_is_an_error_and_never_a_short_answer(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"short")
    with pytest.raises(ArchiveError):
        list(LocalFile(path, 6).chunks())
    with pytest.raises(ArchiveError):
        asyncio.run(streamed(LocalFile(path, 6)))


def test_a_file_that_is_gone_is_404(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as refused:
        list(LocalFile(tmp_path / "object", 1).chunks())
    assert refused.value.status == 404


def forget(path: Path) -> None:
    """Have the kernel drop the file from its cache."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
