"""Where a thing is below `/api/v1`, for `Location`."""

from urllib.parse import quote

PREFIX = "/api/v1"


def location(*parts: str) -> str:
    """The path of a thing, by the names of what leads to it."""
    return "/".join((PREFIX, *(quote(part, safe="") for part in parts)))
