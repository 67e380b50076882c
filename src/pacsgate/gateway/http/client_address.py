"""Where a request really comes from.

`X-Forwarded-For` counts only from a configured proxy, and is read from the
right: each trusted hop vouches for the one before it.

Called by the doors.

Invariants:
- what a proxy wrote and nobody can read is an unknown address, never the proxy's own.
"""

import ipaddress
from collections.abc import Sequence

from starlette.requests import HTTPConnection

from pacsgate.gateway.http.settings import Network


def client_address(request: HTTPConnection, trusted: Sequence[Network]) -> str | None:
    """The address of the client, as far as trusted proxies vouch for it."""
    peer = request.client.host if request.client is not None else None
    if peer is None or not trusted or not _is_trusted(peer, trusted):
        return peer
    forwarded = [
        hop.strip() for value in request.headers.getlist("x-forwarded-for") for hop in value.split(",")
    ]
    address = peer
    for hop in reversed(forwarded):
        if not _is_address(hop):
            return None
        address = hop
        if not _is_trusted(hop, trusted):
            break
    return address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in trusted)
