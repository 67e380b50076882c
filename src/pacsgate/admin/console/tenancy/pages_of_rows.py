"""Lists of a PACS, a page at a time, with the way on and the way back.

A PACS tells where its next rows begin and nothing else, so the way back is remembered in the address; and it
lists without choosing, so whoever looks for some rows looks through all of them, up to a bound.

Called by the modules of pages that list.

Invariants:
- a page asks a bounded number of times, however many rows there are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pacsgate.admin.console.tenancy.desk import NOTHING, Turn

ROWS = 50
"""Of a page."""
LOOKED_THROUGH = 1000
"""Rows that are asked for at a time while some are looked for: as many as a PACS gives."""
LOOKS = 5
_STEPS_BACK = 30
_FIRST = "-"
"""In an address, the cursor of the first page."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PageOfRows:
    """Some rows of a list, and the addresses of those before and after; `""` where there are none."""

    rows: tuple[Row, ...]
    before: str
    after: str


def page_of_rows(
    turn: Turn,
    operation: str,
    name: str,
    path: str,
    asked: Mapping[str, str],
    wanted: Callable[[Row], bool] | None = None,
    ids: Mapping[str, str] = NOTHING,
) -> PageOfRows:
    """The rows from where the address says; those that are wanted, if only some are."""
    cursor = turn.asked("cursor")
    found: list[Row] = []
    following: str | None = cursor
    limit, looks = (ROWS, 1) if wanted is None else (LOOKED_THROUGH, LOOKS)
    for _ in range(looks):
        parameters = {"limit": str(limit), **({"cursor": following} if following else {})}
        told = turn.rows(operation, name, ids, parameters)
        found += [row for row in told.rows if wanted is None or wanted(row)]
        following = told.next
        if following is None or len(found) >= ROWS:
            break
    been = turn.visitor.request.query_params.getlist("been")[-_STEPS_BACK:]
    before = _address(path, asked, been[-1], been[:-1]) if been else ""
    if cursor and not been:
        before = _address(path, asked, _FIRST, [])
    after = _address(path, asked, following, [*been, cursor or _FIRST]) if following else ""
    return PageOfRows(tuple(found), before, after)


def _address(path: str, asked: Mapping[str, str], cursor: str, been: list[str]) -> str:
    said: dict[str, str | list[str]] = {key: text for key, text in asked.items() if text}
    if cursor != _FIRST:
        said |= {"cursor": cursor, "been": been}
    words = urlencode(said, doseq=True)
    return f"{path}?{words}" if words else path
