"""A clock set back revives nothing: expiries are judged at the latest time ever seen.

Called by every door of `pacsgate.identity`; `bootstrap` lends it to the live policy.
"""

from datetime import datetime


class LatestTime:
    """The greatest time seen by this process, begun with the last one on record."""

    def __init__(self, last_recorded: datetime) -> None:
        self._latest = last_recorded

    def at(self, now: datetime) -> datetime:
        """`now`, or the latest time seen if the clock has been set back since."""
        if now > self._latest:
            self._latest = now
            return now
        return self._latest
