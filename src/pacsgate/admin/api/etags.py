"""Which state of a thing a client has read: changes that would undo somebody else's are refused.

A tag is worked out of what is told of the thing; a change may carry it back in `If-Match`, and is
refused when the thing is told otherwise by now.

Called by the routers of what can be changed.

Standard: RFC 9110 8.8.3 (ETag), 13.1.1 (If-Match).
"""

import hashlib
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from pacsgate.model.errors import RequestError

IfMatch = Annotated[
    str | None,
    Header(max_length=200, description="The `ETag` of the state that the change was made from."),
]


def etag_of(told: BaseModel, *, without: frozenset[str] = frozenset()) -> str:
    """The tag of a thing as it is told; `without` are fields that move by themselves."""
    text = told.model_dump_json(exclude=set(without))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def show_etag(response: Response, tag: str) -> None:
    """Send the tag along."""
    response.headers["ETag"] = tag


def refuse_outdated(if_match: str | None, tag: str) -> None:
    """Raise `RequestError` (412) if the change was made from another state than this."""
    if (
        if_match is not None
        and if_match.strip() != "*"
        and tag not in {one.strip() for one in if_match.split(",")}
    ):
        raise RequestError("it has changed since you read it: read it again, then change it", status=412)
