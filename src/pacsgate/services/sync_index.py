"""The index is filled from an archive, and can stop and go on.

Called by `pacsgate index sync`, the demo and the background process; calls the
archive's walk and the indexer.

Invariants:
- the cursor is saved after the objects before it are indexed, so a stopped sync
  repeats some work and never skips any.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Archive, Clock, StudyIndex
from pacsgate.services.index_objects import ObjectIndexer

_BATCH = 200
"""Objects per transaction: large enough to make commits rare, small enough to show progress."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is: objects indexed by this run, and how many the archive holds, if known."""

    done: int
    total: int | None


class SyncIndex:
    """Fills the index from one archive."""

    def __init__(
        self, index: StudyIndex, archives: Mapping[ArchiveName, Archive], indexer: ObjectIndexer, clock: Clock
    ) -> None:
        self._index = index
        self._archives = archives
        self._indexer = indexer
        self._clock = clock

    def sync(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        report: Callable[[SyncProgress], None] = lambda _progress: None,
    ) -> SyncProgress:
        """Index everything the archive holds, going on where an unfinished sync stopped."""
        source = self._archives[archive]
        progress = SyncProgress(0, source.count())
        arrivals = source.walk(self._index.sync_cursor(scope, archive))
        while batch := list(islice(arrivals, _BATCH)):
            self._indexer.add(scope, archive, batch)
            self._index.save_sync_cursor(scope, archive, batch[-1].cursor, self._clock.now())
            progress = SyncProgress(progress.done + len(batch), progress.total)
            report(progress)
        self._index.save_sync_cursor(scope, archive, None, self._clock.now())
        return progress
