"""The part of all matches that a page shows, counted match by match or by stretches of them.

Called by `search`, where a page is not cut out by SQL.
"""

from pacsgate.dicom.query import Query
from pacsgate.ports import Match, Page


class Window:
    """The part of all matches that a page shows, and how many there are."""

    def __init__(self, query: Query) -> None:
        self.matches: list[Match] = []
        self._seen = 0
        self._first = query.offset
        self._end = query.offset + query.limit

    def stretch(self, count: int) -> slice:
        """Count so many further matches; which of them, numbered from 0, are on the page."""
        wanted = slice(max(0, self._first - self._seen), max(0, min(count, self._end - self._seen)))
        self._seen += count
        return wanted

    def offer(self, match: Match) -> None:
        """Count one match, and keep it if it is on the page."""
        if self._first <= self._seen < self._end:
            self.matches.append(match)
        self._seen += 1

    def page(self) -> Page:
        """The page, once all matches have been counted."""
        return Page(tuple(self.matches), max(0, self._seen - self._end))
