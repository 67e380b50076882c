"""The newest rows of each kind, as far as somebody has asked for them, remembered.

Lists of many people begin with the same kinds, and a study that arrives is of one of
them: the newest rows of all others are what they were.  What is remembered of a kind
is how its rows begin, below some moment, read at one version of the index; it holds for
every later version at which the kind has not changed.

Called by `plans`; one object for each archive of a process, which all its views share.

Invariants:
- what is taken from here is what the database would answer at the view's version;
- it is bounded: when too much is remembered, all of it is forgotten.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

Spot = tuple[int, int, int]
"""Recency, study and kind."""

MOST = 100_000
"""Rows remembered, of some hundred bytes each."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The first rows of a kind in order, read at a version; `floor` if they are all that are no older."""

    version: int
    rows: Sequence[Spot]
    floor: int | None

    def has(self, oldest: int, limit: int) -> bool:
        """Whether so many of its rows that are no older than this are known, or all there are."""
        if len(self.rows) >= limit or (self.floor is not None and self.floor <= oldest):
            return True
        return bool(self.rows) and self.rows[-1][0] < oldest


class Heads:
    """What is remembered of the kinds of one archive."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], _Head] = {}
        self._rows = 0
        self._lock = threading.Lock()

    def find(
        self, kind_pk: int, newest: int, *, changed: int, version: int, oldest: int, limit: int
    ) -> Sequence[Spot] | None:
        """Of the kind's rows no newer than `newest`, the first so many no older than `oldest`, if known.

        The kind was last changed at one version and is asked about at another.
        """
        head = self._known.get((kind_pk, newest))
        if head is None or not changed <= head.version <= version or not head.has(oldest, limit):
            return None
        return [row for row in head.rows[:limit] if row[0] >= oldest]

    def keep(
        self, kind_pk: int, newest: int, *, version: int, oldest: int, limit: int, rows: Sequence[Spot]
    ) -> None:
        """Remember what the database said of a kind: its first rows in order."""
        with self._lock:
            before = self._known.get((kind_pk, newest))
            if before is not None and before.version > version:
                return
            self._rows += len(rows) + 1 - (0 if before is None else len(before.rows) + 1)
            if self._rows > MOST:
                self._known.clear()
                self._rows = len(rows) + 1
            self._known[kind_pk, newest] = _Head(version, rows, oldest if len(rows) < limit else None)
