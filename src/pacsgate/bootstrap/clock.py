"""The one place where time is read."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.Clock` with the clocks of the machine."""

    def now(self) -> datetime:
        """The present, as aware UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock

    def monotonic(self) -> float:
        """Seconds on a clock that is never set back."""
        return time.monotonic()
