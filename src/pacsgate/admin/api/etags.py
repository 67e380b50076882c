"""Which state of a thing a client has read: changes that would undo somebody else's are refused.

A tag is worked out of what is told of the thing; a change may carry it back in `If-Match`, and is
refused when the thing is told otherwise by now.  That is looked at twice: before anything is judged, and
again where the change begins and nobody else can write, so of two at the same instant one is refused.

Called by the routers of what can be changed.

Standard: RFC 9110 8.8.3 (ETag), 13.1.1 (If-Match).
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from pacsgate.admin.api.asking import mandates_of
from pacsgate.model.errors import RequestError
from pacsgate.ports import Directory


def etag_of(told: BaseModel, *, without: frozenset[str] = frozenset()) -> str:
    """The tag of a thing as it is told; `without` are fields that move by themselves."""
    text = told.model_dump_json(exclude=set(without))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def show_etag(response: Response, tag: str) -> None:
    """Send the tag along."""
    response.headers["ETag"] = tag


@dataclass(frozen=True, slots=True)
class Precondition:
    """Which states of a thing a change was made from: any, or those of some tags."""

    tags: str | None
    directory: Directory

    @contextmanager
    def holds(self, tag: Callable[[], str]) -> Iterator[None]:
        """Let a thing be changed, of which `tag` reads the present tag.  Raises `RequestError` (412)."""
        if self.tags is None:
            yield
            return
        self._refuse_outdated(tag())
        with self.directory.provided(lambda: self._refuse_outdated(tag())):
            yield

    def _refuse_outdated(self, tag: str) -> None:
        tags = {one.strip() for one in (self.tags or "").split(",")}
        if not {tag, "*"} & tags:
            raise RequestError("it has changed since you read it: read it again, then change it", status=412)


def _precondition(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(max_length=200, description="The `ETag` of the state that the change was made from."),
    ] = None,
) -> Precondition:
    return Precondition(if_match, mandates_of(request).directory)


Unchanged = Annotated[Precondition, Depends(_precondition)]
