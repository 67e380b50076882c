"""Where the pages of a list ended, so that the next one begins there and not at the first row.

A page is asked for by how many rows come before it.  To count those again for each page would make a walk
through a long list cost the square of its length.

Called by `search`; one object per process and archive remembers for all of its lists.

Invariants:
- a mark is used only at the version of the index at which it was set: there, the same rows come before it.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

Spot = tuple[int, int]
"""A row's place in the order: the smaller, the newer (less its recency, then its number)."""

_LISTS = 500
_MARKS = 100
"""Marks of one list: a client goes on from the last, or goes back some pages."""


@dataclass(frozen=True, slots=True)
class _Marked:
    """One list at one version: by how many rows come before, the last of those."""

    version: int
    ends: dict[int, Spot] = field(default_factory=dict)


class Bookmarks:
    """The marks of many lists; threads share it: what is lost in a race is only a mark."""

    def __init__(self) -> None:
        self._lists: dict[Hashable, _Marked] = {}

    def find(self, asked: Hashable, version: int, before: int) -> Spot | None:
        """The last of so many rows of a list, if a page ended there."""
        marked = self._lists.get(asked)
        if marked is None or marked.version != version:
            return None
        return marked.ends.get(before)

    def put(self, asked: Hashable, version: int, before: int, last: Spot) -> None:
        """Remember the last of so many rows."""
        marked = self._lists.get(asked)
        if marked is None or marked.version != version:
            if len(self._lists) >= _LISTS:
                self._lists.clear()
            marked = self._lists[asked] = _Marked(version)
        if len(marked.ends) >= _MARKS:
            marked.ends.clear()
        marked.ends[before] = last
