"""One writer at a time for each SOP Instance UID, among all threads and processes of a machine.

Locks are files in a directory, 256 of them, shared by UIDs with the same hash.
`flock` belongs to the open file, so it keeps threads apart as well as
processes, and the kernel releases it when a process dies.

Called by the archives around "is it there? then put it there".
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UidLocks:
    """The locks whose files are in `directory`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory

    @contextmanager
    def hold(self, uid: str) -> Iterator[None]:
        """Wait for the UID's lock and keep it for the block.  Never nested: two UIDs may share a lock."""
        name = hashlib.sha256(uid.encode()).hexdigest()[:2]
        descriptor = os.open(self._directory / name, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
