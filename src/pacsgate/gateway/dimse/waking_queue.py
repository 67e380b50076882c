"""Queues whose reader need not look every millisecond whether something is there.

The library's threads poll their queues; these tell somebody that something was put in.

Made by `upper_layer` and `association`, in place of the library's own.
"""

import queue
from collections.abc import Callable
from typing import TypeVar

Item = TypeVar("Item")


class WakingQueue(queue.Queue[Item]):
    """A queue that calls `wake` after each item."""

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__()
        self._wake = wake

    def put(self, item: Item, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - the signature of the base
        """Put the item in, and tell."""
        super().put(item, block, timeout)
        self._wake()


class BoundedQueue(WakingQueue[Item]):
    """A queue whose writer stops at `room` items by itself, and is told when it may go on."""

    def __init__(self, wake: Callable[[], None], room: int, make_room: Callable[[], None]) -> None:
        super().__init__(wake)
        self._room = room
        self._make_room = make_room

    def get(self, block: bool = True, timeout: float | None = None) -> Item:  # noqa: FBT001, FBT002 - the signature of the base
        """Take the next item, and tell if the queue was full."""
        was_full = self.qsize() >= self._room
        item = super().get(block, timeout)
        if was_full:
            self._make_room()
        return item
