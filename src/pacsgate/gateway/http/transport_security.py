"""What keeps browsers on HTTPS: the way there from a plain listener, and the word to come by no other.

A listener that redirects reads nothing but the address: whatever credential a client has sent there in
the clear is neither believed nor looked at.

Called by `app`.

Standard: RFC 9110 15.4.9 (308); RFC 6797 (Strict-Transport-Security, over secure transport only).
"""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Scope, Send

from pacsgate.gateway.http.client_address import is_from_proxy
from pacsgate.gateway.http.settings import Network

_STRICT = (b"strict-transport-security", b"max-age=31536000")
_PLAIN = "/%:@!$&'()*+,;=?~"


def elsewhere(scope: Scope, public_url: str) -> Response:
    """The answer of a listener that only shows the way: the same path and query below another URL."""
    query = scope["query_string"]
    asked = scope["raw_path"] + (b"?" + query if query else b"")
    return RedirectResponse(public_url + quote(asked, safe=_PLAIN), status_code=308)


def came_securely(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Whether the client spoke TLS with the gate, or with a proxy whose `public_url` is an https one."""
    return scope["scheme"] == "https" or is_from_proxy(HTTPConnection(scope), trusted)


def strictly(send: Send) -> Send:
    """Answers that tell browsers to come by HTTPS only, for a year."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], _STRICT]
        await send(message)

    return sending
