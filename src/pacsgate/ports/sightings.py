"""From where somebody was at work lately, which tells one person from two people with one name."""

from datetime import datetime
from typing import Protocol

from pacsgate.model.resource import TenantScope


class Sightings(Protocol):
    """The places from which accounts were at work, kept for all processes."""

    def sighted(
        self, scope: TenantScope, user: str, place: str, at: datetime, *, since: datetime
    ) -> frozenset[str]:
        """Note that an account is at work from a place.

        If it has not been there since then, the other places where it has; nothing if it has: who stays
        where they are brings nothing new.
        """
        ...

    def forget_sightings(self, scope: TenantScope, before: datetime) -> int:
        """Forget older ones; returns how many."""
        ...
