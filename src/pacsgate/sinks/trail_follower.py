"""The end of the trail: what happened last, and what happens next.

Looking at the end must not cost reading the years before it.  So the last
records are read backwards from the ends of the files, and only what comes after
is checked link by link; whether what lies before was changed is the business of
`trail_verification`.

Called by `pacsgate audit tail`, which asks for a backlog once and then polls.

Invariant: each event is in the backlog or in one poll, never in both.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pacsgate.audit.chain import Head, Record, SegmentWalk, parse
from pacsgate.sinks.trail_files import lines_until, segment_names, segment_path
from pacsgate.sinks.trail_reader import TrailEntry, decode_entry

_BLOCK_BYTES = 64 * 1024


class TrailFollower:
    """Follows one trail from the moment of its creation."""

    def __init__(self, trail: Path) -> None:
        self._trail = trail
        self._heads: dict[str, Head | None] = {}
        for name in segment_names(trail):
            with segment_path(trail, name).open("rb") as file:
                self._heads[name] = _last_head(name, file)

    def backlog(self, count: int) -> tuple[TrailEntry, ...]:
        """The last `count` events before this follower began, oldest first."""
        found: list[TrailEntry] = []
        paths = {segment_path(self._trail, name): head for name, head in self._heads.items() if head}
        for path in sorted(paths, key=lambda each: each.stat().st_mtime, reverse=True):
            # No record is younger than the last write to its file.
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if len(found) == count and written < found[0].event.at:
                break
            head = paths[path]
            with path.open("rb") as file:
                found.extend(_last_entries(head, file, count))
            found.sort(key=_age)
            del found[: max(0, len(found) - count)]
        return tuple(found)

    def poll(self) -> tuple[TrailEntry, ...]:
        """What was recorded since the last poll.  Raises `TrailBroken` where it does not follow."""
        found: list[TrailEntry] = []
        for name in segment_names(self._trail):
            with segment_path(self._trail, name).open("rb") as file:
                head = self._heads.get(name)
                file.seek(head.size if head else 0)
                walk = SegmentWalk(name, lines_until(file, os.fstat(file.fileno()).st_size), after=head)
                found.extend(decode_entry(name, record) for record in walk if not record.is_genesis)
                self._heads[name] = walk.head
        return tuple(sorted(found, key=_age))


def _age(entry: TrailEntry) -> tuple[datetime, int]:
    return entry.event.at, entry.seq


def _last_head(name: str, file: BinaryIO) -> Head | None:
    size = os.fstat(file.fileno()).st_size
    for end, record in _records_backwards(file, size):
        return Head(name, record.seq, record.digest, end)
    return None


def _last_entries(head: Head, file: BinaryIO, count: int) -> Iterator[TrailEntry]:
    for _, record in _records_backwards(file, head.size):
        if record.is_genesis or record.seq <= head.seq - count:
            return
        yield decode_entry(head.segment, record)


def _records_backwards(file: BinaryIO, end: int) -> Iterator[tuple[int, Record]]:
    """The records before the byte `end`, last first, each with the byte at which it ends."""
    rest = b""
    while end > 0:
        start = max(0, end - len(rest) - _BLOCK_BYTES)
        file.seek(start)
        lines = file.read(end - start).splitlines(keepends=True)
        # Unless the block begins the file, its first line may lack its own beginning.
        for line in reversed(lines[1:] if start else lines):
            record = parse(line)
            if record is not None:
                yield end, record
            end -= len(line)
        if not start:
            return
        rest = lines[0]
