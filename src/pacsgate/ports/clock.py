"""Time, which enters as a value."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time.  A door reads it once per request."""

    def now(self) -> datetime:
        """The present, as aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that is never set back, for idle limits and timeouts."""
        ...
