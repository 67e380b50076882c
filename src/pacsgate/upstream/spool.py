"""Where bytes wait until they are a whole object.

Each process has a workspace of its own inside the spool directory, held by a
file lock for as long as the process lives.  So a new process can tell what a
dead one left behind from what a living one is still writing.

Called by the doors (uploads), by the archives of this package, and by whatever
else needs a large temporary file on the archive's own file system.

Invariants:
- a file that was not taken by an archive is gone when its `with` block ends;
- a workspace is cleared only by somebody who holds its lock;
- nothing here is durable: the archive that takes a file syncs it.
"""

import errno
import fcntl
import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk

MAX_OBJECT_BYTES = 8 * 1024**3
"""One object: PS3.5 limits an element of defined length to 4 GiB; encapsulated frames may add up to more."""

_LOCK_NAME = "lock"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def create_private(path: Path) -> io.FileIO:
    """A new file that only its owner can read: it will hold patient data."""
    return io.FileIO(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A whole object: where it waits, how many bytes it has and their hex SHA-256."""

    path: Path
    size: int
    digest: str


class Incoming:
    """One object while it arrives.  A context manager: leaving it removes what nobody took."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        with _while_there_is_room():
            self._file = create_private(path)
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, chunk: Chunk) -> None:
        """Append bytes.  Raises `RequestError`: 413 over the limit, 503 when the disk is full."""
        if self._size + len(chunk) > self._limit_bytes:
            raise RequestError(f"the object is larger than {self._limit_bytes} bytes", status=413)
        with _while_there_is_room():
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._hash.update(chunk)
        self._size += len(chunk)

    def finish(self) -> SpooledFile:
        """Close the file; it stays until it is taken or the `with` block ends."""
        self._file.close()
        return SpooledFile(self._path, self._size, self._hash.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def _while_there_is_room() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if failure.errno not in _NO_ROOM:
            raise
        raise RequestError("the gate has no room for more objects", status=503) from failure


class Spool:
    """This process's workspace below `directory`, which should be on the file system of the objects."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.workspace, self._lock = _claim(directory)

    def begin(self, limit_bytes: int) -> Incoming:
        """Start receiving one object of at most `limit_bytes`."""
        return Incoming(self.new_path(), limit_bytes)

    def new_path(self) -> Path:
        """A name in the workspace that nothing has yet."""
        return self.workspace / secrets.token_hex(16)

    def close(self) -> None:
        """Remove the workspace."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        os.close(self._lock)


def abandoned_workspaces(directory: Path) -> Iterator[Path]:
    """Each workspace whose process is gone, locked while the caller looks at it, and then removed."""
    if not directory.is_dir():
        return
    for workspace in sorted(directory.iterdir()):
        lock = _take(workspace, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            continue
        try:
            yield workspace
            shutil.rmtree(workspace)
        finally:
            os.close(lock)


def clear_abandoned(directory: Path) -> None:
    """Remove what dead processes left behind, where nothing of it needs finishing."""
    for _ in abandoned_workspaces(directory):
        pass


def _claim(directory: Path) -> tuple[Path, int]:
    """A workspace of our own and its lock; a second one if the first was cleared away before we held it."""
    while True:
        workspace = directory / secrets.token_hex(8)
        workspace.mkdir(mode=0o700)
        lock = _take(workspace, fcntl.LOCK_EX)
        if lock is not None:
            return workspace, lock


def _take(workspace: Path, operation: int) -> int | None:
    """The lock of a workspace; `None` if another process holds it, or the workspace is gone."""
    path = workspace / _LOCK_NAME
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, operation)
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None
