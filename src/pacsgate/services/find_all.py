"""Every row of a search, page by page, while others change what is searched.

The index counts rows; it keeps no place in a list.  So each page begins with the last row of the page
before it: if that stands there no more, something came or went in between, and the search is
walked from its beginning again past what was told already.

Called by the DICOM door; calls `search`.

Invariants:
- no row is told twice;
- each page is decided when it is read, so that what was withdrawn before is not on it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pacsgate.dicom.query import Query
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Findings, Found, Search

PAGE = 1000
"""Rows of one page, which are recorded and sent together."""
MOST_ROWS = 100_000
"""Of one search; whoever wants more asks for less at a time."""
_MOST_RETURNS = 3
"""To the beginning.  Where things change faster, a row may be missed, as it may be by coming too late."""

Name = tuple[ResourceKey, str]


@dataclass(frozen=True, slots=True)
class FindAll:
    """Walks through whole searches."""

    search: Search
    scope: TenantScope
    archive: ArchiveName
    bind: Callable[[], Bound]
    """What the live policy says now about whoever asks."""

    def pages(self, queries: Iterable[Query]) -> Iterator[Findings | Refusal]:
        """Each page of some queries that have no row in common; the first even if it is empty.

        A refusal is the last.  Raises `RequestError` (413) where there is too much.
        """
        told: set[Name] = set()
        for number, query in enumerate(queries):
            for page in self._pages(query, told):
                if isinstance(page, Refusal):
                    yield page
                    return
                if page.rows or (number == 0 and not told):
                    told.update(map(_name, page.rows))
                    yield page
                if len(told) > MOST_ROWS:
                    raise RequestError(f"there are more than {MOST_ROWS} rows: ask for less", status=413)

    def _pages(self, query: Query, told: set[Name]) -> Iterator[Findings | Refusal]:
        offset, last, returns = 0, None, 0
        while True:
            again = 0 if last is None else 1
            part = replace(query, offset=offset - again, limit=PAGE + again)
            page = self.search.find(self.scope, self.archive, part, self.bind())
            if isinstance(page, Refusal):
                yield page
                return
            moved = last is not None and (not page.rows or _name(page.rows[0]) != last)
            if moved and returns < _MOST_RETURNS:
                offset, last, returns = 0, None, returns + 1
                continue
            yield replace(page, rows=tuple(row for row in page.rows if _name(row) not in told))
            if not page.remaining:
                return
            offset, last = part.offset + len(page.rows), _name(page.rows[-1])


def _name(row: Found) -> Name:
    return row.key, row.patient_id
