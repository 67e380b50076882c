"""What goes wrong, as `/api/v1` tells it and as its document describes it.

Called by `app` and the routers.

Invariants:
- every status that a route may answer with stands in its row of the document.
"""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """Why a request was not served."""

    error: str = Field(description="What kind of problem it is, always in the same words.")
    message: str | None = Field(
        default=None, description="A sentence for whoever asked, where there is more to say."
    )


_MEANINGS = {
    400: "The request cannot be read; `message` names the fields, never what was in them.",
    401: "No credential that counts here, or a stronger sign-in is needed: see `WWW-Authenticate`.",
    403: "The caller may not; `message` says which permission is needed, or whom it does not reach.",
    404: "There is no such thing.",
    409: "What was asked contradicts what is there; `message` says what and where to change it.",
    412: "It has changed since it was read: `If-Match` names an older state.",
    413: "The body is longer than 64 KiB.",
    429: "Too many attempts: see `Retry-After`.",
    501: "This PACS does not support the operation.",
    503: "The trail cannot be written or no policy is active, so nothing is served.",
}
_ALWAYS = (400, 401, 403, 429, 503)

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The rows of the document for what every route may answer with, and for these statuses."""
    return {
        status: {"model": Problem, "description": _MEANINGS[status]}
        for status in sorted({*_ALWAYS, *statuses})
    }
