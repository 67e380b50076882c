"""What a page of somebody else may not do with the credential that a browser adds by itself.

A browser that knows a password or a session sends it with every request to the gate, whichever page made it.
So a page elsewhere could have its reader store, delete or send away.  Browsers say where a request
comes from: in `Sec-Fetch-Site` where the connection can be trusted, in `Origin` otherwise.  Other clients say
nothing, and send no credential that they did not mean to.

Called by `edge`.

Standard: Fetch Metadata Request Headers (W3C); RFC 6454 section 7 (`Origin`); RFC 9110 9.2.1 (safe methods).
"""

from starlette.requests import Request

from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.model.errors import RequestError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ITSELF = frozenset({"same-origin", "none"})
"""The gate's own page, and what somebody typed or had bookmarked."""


def refuse_cross_site(request: Request, settings: HttpSettings) -> None:
    """Refuse what changes something and comes from a page of an origin that is not configured (403)."""
    if request.method in _SAFE:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin in settings.cors_origins or site in _ITSELF:
        return
    if site is None and (origin is None or origin == own_url(request, settings)):
        return
    raise RequestError("a page of another site may not do this", status=403)
