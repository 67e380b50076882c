"""One segment on disk: created once, appended to, never rewritten.

`append` returns only when the lines are on stable storage; until then nobody
may be told that they were recorded.  After any error the state of the file is
unknown (a failed sync may have dropped pages), so a segment that failed once is
abandoned and another one begun.

Called by `sinks.segments`.

Invariants:
- the first append writes genesis and events together and also syncs the
  directory, so that a segment exists durably before its first acknowledgement;
- a file into which nothing could be written is removed again; any other stays.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pacsgate.audit.chain import Genesis, Head, begin, link
from pacsgate.sinks.trail_files import new_name, segment_path

_OPEN_FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


class SegmentFile:
    """An open segment.  `head` is the last record known to be on stable storage."""

    def __init__(self, path: Path, descriptor: int, genesis: Genesis) -> None:
        self.path = path
        self.head: Head | None = None
        self._descriptor = descriptor
        self._genesis = genesis

    @classmethod
    def create(cls, directory: Path, genesis: Genesis) -> "SegmentFile":
        """Open a new file for `genesis`, whose segment name is chosen here.  Raises `OSError`."""
        name = new_name(genesis.started, genesis.process)
        path = segment_path(directory, name)
        descriptor = os.open(path, _OPEN_FLAGS, 0o600)
        return cls(path, descriptor, replace(genesis, segment=name))

    def append(self, events: Iterable[bytes]) -> Head:
        """Chain canonical events, write them in one go and sync.  Raises `OSError`."""
        is_new = self.head is None
        lines: list[bytes] = []
        if self.head is None:
            line, head = begin(self._genesis)
            lines.append(line)
        else:
            head = self.head
        for event in events:
            line, head = link(head, event)
            lines.append(line)
        self._write(b"".join(lines))
        if is_new:
            os.fsync(self._descriptor)
            sync_directory(self.path.parent)
        else:
            os.fdatasync(self._descriptor)
        self.head = head
        return head

    def close(self) -> None:
        """Close the file; one that stayed empty is removed."""
        is_empty = self.head is None and os.fstat(self._descriptor).st_size == 0
        os.close(self._descriptor)
        if is_empty:
            # Nothing was ever in it, so that it stays behind would only be untidy.
            with suppress(OSError):
                self.path.unlink()

    def _write(self, data: bytes) -> None:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[os.write(self._descriptor, remaining) :]


def sync_directory(directory: Path) -> None:
    """Make the entries of a directory durable.  Raises `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
