"""A remote application entity, as an administrator vouches for it.

What is known of an AE is enough to tell a caller by its title, network and
certificate, and to send to it.  A title alone proves nothing: an AE without
networks and without a certificate is a destination, never a caller, unless
`title_is_enough` says otherwise.

Made by administration (`pacsgate device`); read by `pacsgate.identity` when an
association is requested and by the use cases that send objects.

Standard: PS3.8 9.3.2 and PS3.5 6.2 (AE titles); PS3.15 annex B (TLS).
"""

import re
from dataclasses import dataclass
from datetime import datetime

_AE_TITLE = re.compile(r"[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?")


def is_ae_title(text: str) -> bool:
    """Whether it is 1 to 16 characters of the default repertoire, no backslash, no space at either end."""
    return _AE_TITLE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RemoteAe:
    """One entry of the list of application entities of a tenant; `ae_title` is its key."""

    ae_title: str
    account: str | None = None
    """The local account (of any kind) that it acts as where an association brings no user identity, and
    whose permissions decide what may be sent to it."""
    networks: tuple[str, ...] = ()
    """CIDR blocks that it calls from; none is no evidence."""
    certificate_sha256: str | None = None
    """SHA-256 of its TLS certificate (DER), 64 lower-case hexadecimal digits; also checked when sending."""
    title_is_enough: bool = False
    """Whether whoever uses this title is believed, from anywhere; warned about."""
    vouches_for: frozenset[str] = frozenset()
    """Groups whose members it may name without a passcode: it signs its users in itself."""
    host: str | None = None
    """Where it listens; `None` for one that nothing is ever sent to."""
    port: int | None = None
    tls: bool = False
    owner: str = ""
    """Who answers for this entry."""
    description: str = ""
    valid_until: datetime | None = None
    """Aware UTC, exclusive: after it, the entry counts for nothing; `None` for no end."""
    disabled: bool = False
    is_locked: bool = False
    """Whether somebody has locked it (`ports.locks`); read with the entry, written there alone."""
    locked_until: datetime | None = None
    """When the lock ends by itself (exclusive); `None` is when it is lifted."""

    def is_valid(self, now: datetime) -> bool:
        """Whether the entry counts at `now` (aware UTC)."""
        if self.disabled or (self.is_locked and (self.locked_until is None or now < self.locked_until)):
            return False
        return self.valid_until is None or now < self.valid_until
