"""Who is at the other end of a connection: the first sender of which all evidence holds.

Made by `bootstrap` from the configuration; called by `listener`.

Invariants:
- a sender without any evidence matches nobody.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from pacsgate.model.resource import DEFAULT_TENANT, TenantScope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_DEFAULT = TenantScope(DEFAULT_TENANT)


@dataclass(frozen=True, slots=True)
class Sender:
    """One system that sends messages: its account, and what proves it."""

    account: str
    """A device of its tenant's."""
    networks: tuple[Network, ...] = ()
    certificate_sha256: str | None = None
    scope: TenantScope = _DEFAULT

    def is_at(self, address: str, certificate_sha256: str | None) -> bool:
        """Whether a connection is this sender's."""
        if not self.networks and self.certificate_sha256 is None:
            return False
        if self.networks and not _holds(self.networks, address):
            return False
        return self.certificate_sha256 is None or self.certificate_sha256 == certificate_sha256


def sender_at(senders: Iterable[Sender], address: str, certificate_sha256: str | None) -> Sender | None:
    """Whose connection it is."""
    return next((sender for sender in senders if sender.is_at(address, certificate_sha256)), None)


def _holds(networks: Iterable[Network], address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any((mapped or parsed) in network for network in networks)
