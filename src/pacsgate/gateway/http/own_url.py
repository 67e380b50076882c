"""Under which address a client reaches the gate: the start of every link that it is given.

`public_url` says so where it is configured; else the request's own `Host` does.
Some clients leave out a port there that is not the usual one.  Whoever names the
very address of the socket is connected to it without anything in between, so
the port can only be the socket's.

Called by the DICOMweb door.

Standard: RFC 9110 7.2 (Host).
"""

from functools import lru_cache

from starlette.datastructures import URL
from starlette.requests import Request

from pacsgate.gateway.http.settings import HttpSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


def own_url(request: Request, settings: HttpSettings) -> str:
    """Scheme, host and port, without a slash at the end."""
    if settings.public_url is not None:
        return settings.public_url
    host = next((value for name, value in request.scope["headers"] if name == b"host"), None)
    return _own_url(request.scope["scheme"], host, tuple(request.scope["server"]))


@lru_cache(maxsize=256)
def _own_url(scheme: str, host: bytes | None, server: tuple[str, int | None]) -> str:
    """Remembered, because clients of one installation know it by the same few names."""
    headers = [] if host is None else [(b"host", host)]
    url = URL(
        scope={"scheme": scheme, "server": server, "headers": headers, "path": "/", "query_string": b""}
    )
    address, port = server
    if url.port is None and port is not None and _names(url.hostname or "", address):
        url = url.replace(port=port)
    return str(url).rstrip("/")


def _names(hostname: str, address: str) -> bool:
    """Whether a host name is this address itself, spelled out."""
    return hostname == address or (hostname == "localhost" and address in _LOOPBACK)
