"""The files that pages look and behave by: one style sheet, one icon, small scripts of our own.

Each is served under a path that holds a digest of its content, so a browser keeps it for
as long as it likes and never shows a page with yesterday's script.

Called by `page` for the paths, by `routes` for the files.

Invariants:
- only files of this folder are served, and only by their exact name.

Standard: RFC 8246 (`immutable`).
"""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import PurePath
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def _kind_of(name: str) -> str | None:
    return _KINDS.get(PurePath(name).suffix)


def _contents() -> Mapping[str, bytes]:
    found = (file for file in files(__name__).iterdir() if _kind_of(file.name) is not None)
    return MappingProxyType({file.name: file.read_bytes() for file in found})


_CONTENTS = _contents()
_DIGESTS = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in _CONTENTS.items()}


def asset_path(name: str) -> str:
    """Where a page finds the file of this name."""
    return f"/assets/{_DIGESTS[name]}/{name}"


def asset_route() -> Route:
    """The route of every file."""
    return Route("/assets/{digest}/{name}", _serve, methods=["GET"])


async def _serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _CONTENTS:
        raise HTTPException(404)
    # While gates are replaced one by one, a page of a newer one may ask an older one for its style.
    is_current = request.path_params["digest"] == _DIGESTS[name]
    return Response(
        _CONTENTS[name],
        media_type=_kind_of(name),
        headers={**_HEADERS, "Cache-Control": _FOR_EVER if is_current else "no-store"},
    )
