"""Under which address a client reaches the gate: the start of every link that it is given.

`public_url` says so where it is configured; else the request's own `Host` does.
Some clients leave out a port there that is not the usual one.  Whoever names the
very address of the socket is connected to it without anything in between, so
the port can only be the socket's.

Called by the DICOMweb door.

Standard: RFC 9110 7.2 (Host).
"""

from starlette.requests import Request

from pacsgate.gateway.http.settings import HttpSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def own_url(request: Request, settings: HttpSettings) -> str:
    """Scheme, host and port, without a slash at the end."""
    if settings.public_url is not None:
        return settings.public_url
    url = request.base_url
    address, port = request.scope["server"]
    if url.port is None and port is not None and _names(url.hostname or "", address):
        url = url.replace(port=port)
    return str(url).rstrip("/")


def _names(hostname: str, address: str) -> bool:
    """Whether a host name is this address itself, spelled out."""
    return hostname == address or (hostname == "localhost" and address in _LOOPBACK)
