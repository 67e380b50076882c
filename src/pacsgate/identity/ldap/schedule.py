"""When a directory is listed next: once a day, at a time of day in a zone.

Called by `pacsgate.bootstrap.directory_sync`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Daily:
    """A time of day: an hour later where a change of clocks leaves it out, and once where it repeats it."""

    at: time
    zone: ZoneInfo

    def after(self, now: datetime) -> datetime:
        """The first such moment after `now`, in UTC."""
        today = now.astimezone(self.zone).date()
        days = (today + timedelta(days=ahead) for ahead in range(3))
        moments = (datetime.combine(day, self.at, self.zone).astimezone(UTC) for day in days)
        return next(moment for moment in moments if moment > now)
