"""How long what takes, and how often it is tried.

Read from the configuration by `bootstrap`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

_LONGEST_PAUSE = timedelta(minutes=5)
_MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The bounds of every message."""

    lease: timedelta = timedelta(minutes=1)
    """For how long whoever took a message is waited for."""
    attempts: int = 5
    """How often a message is handed out before it is given up."""
    pause: timedelta = timedelta(seconds=2)
    """How long a message rests after the first attempt; twice as long after each that follows."""
    lifetime: timedelta = timedelta(days=1)
    """What nobody has fetched after this long is not done any more."""
    readable: timedelta = timedelta(hours=1)
    """For how long the requester can read a result."""
    kept: timedelta = timedelta(days=30)
    """For how long after its end a message is kept: dead letters, and names that requests were given."""
    most: int = 10_000
    """Messages that may wait for one PACS."""

    def furthest(self, now: datetime) -> datetime:
        """What is due later than this was put there by a clock that has gone back since."""
        return now + _LONGEST_PAUSE + self.lease

    def pause_after(self, attempt: int) -> timedelta:
        """How long a message rests after this attempt."""
        doublings: int = 2 ** min(attempt - 1, _MOST_DOUBLINGS)
        return min(self.pause * doublings, _LONGEST_PAUSE)
