"""Turns at work that is long and of which few can be done at a time.

Whoever has as many under way as one account may is told to wait, so that nobody keeps all others from it.

Called by `instance_search`, on the event loop.
"""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from pacsgate.model.errors import TooSoonError


class Turns:
    """How much each account has under way in this process."""

    def __init__(self, most: int, *, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._under_way: Counter[Hashable] = Counter()

    @contextmanager
    def take(self, account: Hashable) -> Iterator[None]:
        """One turn, for as long as the block runs.  Raises `TooSoonError` if the account has all it may."""
        if self._under_way[account] >= self._most:
            raise TooSoonError(
                f"{self._most} of your searches are under way; wait until one has ended",
                retry_after_seconds=max(1, round(self._seconds)),
            )
        self._under_way[account] += 1
        try:
            yield
        finally:
            self._under_way[account] -= 1
            if not self._under_way[account]:
                del self._under_way[account]
