"""What a process remembers of verified credentials, each under the epoch at which it was read.

An entry of another epoch is not an answer.  It is not removed when the epoch
moves, since a slow thread could put an old answer back after that; the epoch is
part of the entry instead, so that being late is harmless.

Called by the doors of `pacsgate.identity`.

Invariants:
- `get` never returns what was put under another epoch.
"""

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

CAPACITY = 10_000
"""More credentials than one process serves in a minute; then everything is read again."""


class EpochMemory(Generic[Key, Value]):
    """A bounded mapping whose entries hold for one epoch."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: dict[Key, tuple[int, Value]] = {}

    def get(self, key: Key, epoch: int) -> Value | None:
        """What was put for the key under this very epoch."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] == epoch else None

    def get_any(self, key: Key) -> Value | None:
        """What was last put for the key, for a caller who checks himself whether it still holds."""
        entry = self._entries.get(key)
        return None if entry is None else entry[1]

    def put(self, key: Key, epoch: int, value: Value) -> None:
        """Remember a value that was read after the epoch was."""
        if len(self._entries) >= self._capacity and key not in self._entries:
            self._entries = {}
        self._entries[key] = (epoch, value)
