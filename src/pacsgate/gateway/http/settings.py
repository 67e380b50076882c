"""What the HTTP door needs to know of the configuration.

Made by `bootstrap` from the configuration file.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pacsgate.model.resource import ArchiveName

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

EXTERNAL = "external"
"""The zone of every address that no configured network holds."""


@lru_cache(maxsize=4096)
def ip_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is, if it is one; remembered, because most requests come from few."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The door's part of an installation's settings.

    `networks` are named zones for `env.network`, of which the first match wins;
    `X-Forwarded-For` counts only from `trusted_proxies`; `public_url` is how
    clients reach the gate when that is not how it listens.
    """

    public_url: str | None = None
    networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    trusted_proxies: tuple[Network, ...] = ()
    certificate_header: tuple[str, str] | None = None
    """In which header, and how encoded, `trusted_proxies` hand on the certificates of their clients."""
    cors_origins: tuple[str, ...] = ()
    viewer: Path | None = None
    offloads: Mapping[ArchiveName, str] = field(default_factory=dict)
    """Archives whose objects a trusted nginx sends: the location that leads to each, ending with `/`."""

    def network_of(self, address: str | None) -> str:
        """The name of the first zone that holds a client address."""
        if address is None:
            return EXTERNAL
        ip = ip_of(address)
        if ip is None:
            return EXTERNAL
        for name, networks in self.networks.items():
            if any(ip in network for network in networks):
                return name
        return EXTERNAL
