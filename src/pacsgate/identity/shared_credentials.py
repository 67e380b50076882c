"""Notices one account at work from two networks at once: a credential that is shared, or stolen.

A place is the configured zone with the neighbourhood of the address (a /24, of IPv6 a /64).  When an
account comes to a new place while it was at work at another within the last minutes, that is one event for
the pair, not one for each request; and every session that was not begun at the new place falls back to one
factor, so that whoever has a second one must show it again there.  IPv4 and IPv6 of one zone are not held
against each other, since a browser uses both.

It is looked at only when a credential is verified anew: about once a minute, and when a cookie comes from
an address that it has not come from.  Devices and services are expected in many places.

Called by `pacsgate.identity.authenticate`.

Invariants:
- it never lets anybody in, and never delays a request that is answered from memory.
"""

import ipaddress
from datetime import datetime, timedelta

from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.ports import Clock, Directory
from pacsgate.ports.sightings import Sightings

AT_ONCE = timedelta(minutes=5)
NOTED_EVERY_SECONDS = 60.0
FORGOTTEN_AFTER = timedelta(days=1)

_NEIGHBOURHOOD_BITS = {4: 24, 6: 64}
_CAPACITY = 10_000


class SharedCredentials:
    """Watches from where accounts are at work."""

    def __init__(
        self, sightings: Sightings, directory: Directory, record: SignInRecord, clock: Clock
    ) -> None:
        self._sightings = sightings
        self._directory = directory
        self._record = record
        self._clock = clock
        self._noted: dict[tuple[str, str, str], float] = {}

    def note(self, subject: Subject, context: Context) -> bool:
        """Note where a verified subject is; whether its sessions have lost what they had proven."""
        address = None if context.client_address is None else _neighbourhood(context.client_address)
        if address is None or subject.kind is not SubjectKind.USER:
            return False
        place = f"{context.network} {address}"
        if not self._is_due((subject.tenant, subject.name, place)):
            return False
        scope = TenantScope(subject.tenant)
        others = self._sightings.sighted(scope, subject.name, place, context.now, since=context.now - AT_ONCE)
        apart = sorted(other for other in others if _are_apart(place, other))
        for other in apart:
            self._record.shared(subject, place, other, context)
        return bool(apart) and self._weaken(scope, subject.name, address)

    def _is_due(self, who_and_where: tuple[str, str, str]) -> bool:
        now = self._clock.monotonic()
        if now < self._noted.get(who_and_where, 0.0):
            return False
        if len(self._noted) >= _CAPACITY:
            self._noted = {}
        self._noted[who_and_where] = now + NOTED_EVERY_SECONDS
        return True

    def _weaken(self, scope: TenantScope, user: str, here: str) -> bool:
        """Let sessions that were not begun here prove their second factor again."""
        weakened = False
        for session in self._directory.sessions(scope, user=user):
            begun = None if session.client_address is None else _neighbourhood(session.client_address)
            if begun != here and session.assurance_level > 1:
                self._directory.weaken_session(scope, session.cookie_sha256)
                weakened = True
        return weakened


def sweep(sightings: Sightings, scope: TenantScope, now: datetime) -> None:
    """Forget where people were yesterday."""
    sightings.forget_sightings(scope, now - FORGOTTEN_AFTER)


def _neighbourhood(address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network((parsed, _NEIGHBOURHOOD_BITS[parsed.version]), strict=False))


def _are_apart(place: str, other: str) -> bool:
    (zone, here), (other_zone, there) = place.split(" "), other.split(" ")
    return zone != other_zone or (here != there and (":" in here) == (":" in there))
