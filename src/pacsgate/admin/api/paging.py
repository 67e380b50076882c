"""Lists in pages: so many rows, and where the next page begins.

A cursor names the last row that was told, so what comes or goes meanwhile moves nothing else.

Called by the routers that list.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

from pacsgate.model.errors import RequestError

Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=1000, description="So many rows at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next` of the page before; absent for the first.")
]
USUAL = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of those that follow; `None` after the last."""

    rows: Sequence[Row]
    next: str | None


def page(rows: Iterable[Row], key: Callable[[Row], str], limit: int, cursor: str | None) -> Page[Row]:
    """One page of rows, in the order of their keys, each of which is one row's own."""
    after = None if cursor is None else _read(cursor)
    following = sorted((row for row in rows if after is None or key(row) > after), key=key)
    shown = following[:limit]
    return Page(shown, _written(key(shown[-1])) if len(following) > limit else None)


def _written(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")


def _read(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8", "surrogatepass")
    except (ValueError, binascii.Error):
        raise RequestError("this `cursor` is none that a list has given: begin again without it") from None
