"""Where a request really comes from.

`X-Forwarded-For` counts only from a configured proxy, and is read from the
right: each trusted hop vouches for the one before it.

Called by the doors.

Invariants:
- what a proxy wrote and nobody can read is an unknown address, never the proxy's own.
"""

from collections.abc import Sequence

from starlette.requests import HTTPConnection

from pacsgate.gateway.http.settings import Network, ip_of
from pacsgate.model.addresses import plain_address


def client_address(request: HTTPConnection, trusted: Sequence[Network]) -> str | None:
    """The address of the client, as far as trusted proxies vouch for it."""
    peer = _peer(request)
    if peer is None or not is_from_proxy(request, trusted):
        return peer
    forwarded = [
        plain_address(hop.strip())
        for value in request.headers.getlist("x-forwarded-for")
        for hop in value.split(",")
    ]
    address = peer
    for hop in reversed(forwarded):
        if ip_of(hop) is None:
            return None
        address = hop
        if not _is_trusted(hop, trusted):
            break
    return address


def is_from_proxy(request: HTTPConnection, trusted: Sequence[Network]) -> bool:
    """Whether a configured proxy is who talks to the gate."""
    peer = _peer(request)
    return peer is not None and _is_trusted(peer, trusted)


def _peer(request: HTTPConnection) -> str | None:
    return plain_address(request.client.host) if request.client is not None else None


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    ip = ip_of(address) if trusted else None
    return ip is not None and any(ip in network for network in trusted)
