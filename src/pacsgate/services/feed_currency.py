"""Whether the feed of an archive is current, as every process knows without asking for it each time.

Called by `freshness`; the feed itself writes what is read here.

Invariants:
- what is answered is at most a second old, and never says "current" for longer than the staleness allowed.
"""

from datetime import datetime, timedelta

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Clock
from pacsgate.ports.feeds import FeedStore

_REMEMBERED = timedelta(seconds=1)


class FeedCurrency:
    """Remembers until when each archive's rows are known to be true."""

    def __init__(self, feeds: FeedStore, clock: Clock) -> None:
        self._feeds = feeds
        self._clock = clock
        self._known: dict[tuple[TenantScope, ArchiveName], tuple[datetime, datetime | None]] = {}

    def is_current(self, scope: TenantScope, archive: ArchiveName, limit: timedelta) -> bool:
        """Whether the index knew everything in the archive no longer ago than `limit`."""
        remembered = self.recall(scope, archive, limit)
        if remembered is not None:
            return remembered
        now = self._clock.now()
        state = self._feeds.read(scope, archive)
        at = None if state is None or not state.crawled else state.current_at
        self._known[scope, archive] = (now, at)
        return _is_current(now, at, limit)

    def recall(self, scope: TenantScope, archive: ArchiveName, limit: timedelta) -> bool | None:
        """The same without asking the database; `None` if it has to be asked."""
        now = self._clock.now()
        read_at, at = self._known.get((scope, archive), (None, None))
        # A clock that was set back must not make an old answer young.
        if read_at is None or not timedelta(0) <= now - read_at <= _REMEMBERED:
            return None
        return _is_current(now, at, limit)


def _is_current(now: datetime, at: datetime | None, limit: timedelta) -> bool:
    return at is not None and timedelta(0) <= now - at <= limit
