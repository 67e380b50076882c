"""What keeps happening is told once a minute, with how often it happened since.

A device that is configured wrongly tries again for ever, and somebody at the wrong place may
try quickly; neither may fill the disk with the same line.

Called by `door`.
"""

from collections.abc import Hashable
from threading import Lock

TOLD_EVERY_SECONDS = 60.0
CAPACITY = 10_000
"""More than a network has titles and addresses; then counting begins anew."""


class Repeats:
    """Counts what is not told."""

    def __init__(self) -> None:
        self._counted: dict[Hashable, tuple[float, int]] = {}
        self._counting = Lock()

    def tell(self, what: Hashable, seconds: float) -> int | None:
        """How often it happened untold before, if it is to be told at this (monotonic) time; else `None`."""
        with self._counting:
            told_at, untold = self._counted.get(what, (None, 0))
            if told_at is not None and seconds - told_at < TOLD_EVERY_SECONDS:
                self._counted[what] = (told_at, untold + 1)
                return None
            if len(self._counted) >= CAPACITY:
                self._counted = {}
            self._counted[what] = (seconds, 0)
            return untold
