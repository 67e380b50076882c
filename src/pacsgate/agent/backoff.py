"""How long to wait before trying again: longer each time, never the same, never longer than half a minute.

Many agents that lost the same gate must not come back at the same moment.
"""

from secrets import SystemRandom

_FIRST_SECONDS = 0.5
_MOST_SECONDS = 30.0
_random = SystemRandom()


class Backoff:
    """The waits of one activity."""

    def __init__(self, *, most_seconds: float = _MOST_SECONDS) -> None:
        self._most = most_seconds
        self._failures = 0

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0

    def failed(self) -> float:
        """Note a failure; returns the seconds to wait."""
        ceiling = min(self._most, _FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return _random.uniform(ceiling / 2, ceiling)
