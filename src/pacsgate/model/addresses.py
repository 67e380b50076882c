"""Network addresses as everybody here writes them: an IPv4 client is one, whatever socket it came by.

A listener on `::` takes IPv4 clients too, and calls them `::ffff:192.0.2.7`.  Networks of policies, devices
and proxies are written in IPv4, and would hold none of them; and all of IPv4 would be one site to whoever
counts failures by the /64.

Called by the doors, before anybody sees an address.

Standard: RFC 4291 2.5.5.2 (IPv4-mapped addresses).
"""

import ipaddress

_MAPPED = "::ffff:"


def plain_address(address: str) -> str:
    """The IPv4 address that an IPv4-mapped one stands for; anything else as it is."""
    if not address.lower().startswith(_MAPPED):
        return address
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return address if mapped is None else str(mapped)
