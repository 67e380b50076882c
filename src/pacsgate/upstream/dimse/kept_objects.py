"""Objects that were fetched a moment ago, kept in case they are asked for again.

A viewer asks for the frames of one object one by one, and each would bring the whole
object over.

Called by `archive`.

Invariants:
- nothing is kept longer than `KEPT_SECONDS` after it was fetched, as far as anybody asks for anything;
- an object in use is not removed under its reader;
- an object is fetched once, however many ask for it at the same time.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.spool import SpooledFile

KEPT_SECONDS = 30.0
"""An object that the archive removes or replaces is served no longer than this."""
KEPT_BYTES = 1 << 30
"""In the workspace of each process, besides what is in use."""


@dataclass(slots=True)
class _Kept:
    fetching: Lock = field(default_factory=Lock)
    file: SpooledFile | None = None
    fetched_at: float = 0
    readers: int = 0


class KeptObjects:
    """Fetched objects by their keys.  `fetch` makes a file that is then this class's to remove."""

    def __init__(self, fetch: Callable[[ResourceKey], SpooledFile]) -> None:
        self._fetch = fetch
        self._lock = Lock()
        self._kept: OrderedDict[ResourceKey, _Kept] = OrderedDict()

    @contextmanager
    def lent(self, key: ResourceKey) -> Iterator[SpooledFile]:
        """The object's file for the length of the block.  Raises what `fetch` raises."""
        kept = self._entered(key)
        try:
            with kept.fetching:
                if kept.file is None:
                    kept.file = self._fetch(key)
                    kept.fetched_at = time.monotonic()
            yield kept.file
        finally:
            self._left(key, kept)

    def forget(self) -> None:
        """Remove what nobody is reading."""
        with self._lock:
            self._remove_unused(limit_bytes=0)

    def _entered(self, key: ResourceKey) -> _Kept:
        with self._lock:
            self._remove_unused(limit_bytes=KEPT_BYTES)
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            kept.readers += 1
            return kept

    def _left(self, key: ResourceKey, kept: _Kept) -> None:
        with self._lock:
            kept.readers -= 1
            if kept.file is None and not kept.readers:
                self._kept.pop(key, None)
            self._remove_unused(limit_bytes=KEPT_BYTES)

    def _remove_unused(self, *, limit_bytes: int) -> None:
        """Remove the old, and the least recently used beyond the limit; the caller holds the lock."""
        now = time.monotonic()
        held = sum(kept.file.size for kept in self._kept.values() if kept.file is not None)
        for key, kept in list(self._kept.items()):
            if kept.readers or kept.file is None:
                continue
            if held > limit_bytes or now - kept.fetched_at > KEPT_SECONDS:
                del self._kept[key]
                held -= kept.file.size
                kept.file.path.unlink(missing_ok=True)
