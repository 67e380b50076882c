"""How long a browser session may last, and how many somebody may hold at a time.

A gate has general limits, and roles may be held to stricter ones.  Whoever has several roles is held
to the strictest of each limit: a role never loosens what another demands.

Called by `config`, which reads them, and by `pacsgate.services.sign_in`, which asks for them.

Standard: OWASP ASVS 5.0 7.1.1, 7.1.2, 7.3.1, 7.3.2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=12)
AT_MOST = 10
EMERGENCY_ABSOLUTE = timedelta(hours=1)
"""Of a session begun with the sealed credential: long enough to mend what is broken."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """The limits of one session, taken when it begins."""

    idle: timedelta = IDLE
    absolute: timedelta = ABSOLUTE
    at_most: int = AT_MOST
    """Sessions at a time; when one more begins, the oldest ends."""

    def strictest(self, other: "SessionLimits") -> "SessionLimits":
        """The smaller of each limit."""
        return SessionLimits(
            min(self.idle, other.idle), min(self.absolute, other.absolute), min(self.at_most, other.at_most)
        )


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The general limits, and those of roles."""

    general: SessionLimits = SessionLimits()
    of_roles: Mapping[str, SessionLimits] = field(default_factory=dict)

    def limits_of(self, roles: Iterable[str]) -> SessionLimits:
        """The limits of somebody with these roles."""
        limits = self.general
        for role in roles:
            limits = limits.strictest(self.of_roles.get(role, limits))
        return limits
