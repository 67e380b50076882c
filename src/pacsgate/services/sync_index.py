"""The index is filled from an archive, and can stop and go on.

Called by `pacsgate index sync` and the background process; calls the archive's
walk, the indexer and `freshness`.

Invariants:
- the cursor is saved after the objects before it are indexed, so a stopped sync
  repeats some work and never skips any;
- what a whole sync did not find is asked for by name before it leaves the index.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import Archive, Arrival, Clock, StudyIndex, UnfinishedSync
from pacsgate.services.freshness import Freshness
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
        self,
        index: StudyIndex,
        archives: Mapping[ArchiveName, Archive],
        indexer: ObjectIndexer,
        freshness: Freshness,
        clock: Clock,
    ) -> None:
        self._index = index
        self._archives = archives
        self._indexer = indexer
        self._freshness = freshness
        self._clock = clock

    def sync(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        report: Callable[[SyncProgress], None] = lambda _progress: None,
    ) -> SyncProgress:
        """Make the index hold what the archive holds, going on where an unfinished sync stopped.

        Raises `ArchiveError`, and whatever `report` raises in order to stop; both leave it unfinished.
        """
        unfinished = self._index.unfinished_sync(scope, archive)
        began_at = self._clock.now() if unfinished is None else unfinished.began_at
        source = self._archives[archive]
        progress = SyncProgress(0, source.count())
        arrivals = source.walk(None if unfinished is None else unfinished.cursor)
        read = _StudiesRead(first_is_whole=unfinished is None)
        while batch := list(islice(arrivals, _BATCH)):
            self._indexer.add(scope, archive, batch)
            for study_uid, present in read.completed_by(batch):
                self._freshness.drop_missing(scope, archive, study_uid, present)
            self._index.save_sync(scope, archive, UnfinishedSync(batch[-1].cursor, began_at))
            progress = SyncProgress(progress.done + len(batch), progress.total)
            report(progress)
        for study_uid, present in read.last():
            self._freshness.drop_missing(scope, archive, study_uid, present)
        for study_uid in self._index.observed_before(scope, archive, began_at):
            self._freshness.look_again(scope, archive, study_uid)
            report(progress)
        self._index.save_sync(scope, archive, None)
        return progress


class _StudiesRead:
    """Notices when a walk has passed the end of a study, and what it found in it.

    A walk that goes on may begin inside a study: of its first one nothing can be said.
    """

    def __init__(self, *, first_is_whole: bool) -> None:
        self._study_uid: str | None = None
        self._present: set[str] = set()
        self._is_whole = first_is_whole

    def completed_by(self, batch: Iterable[Arrival]) -> Iterator[tuple[str, frozenset[str]]]:
        """Each study that ended before the end of this batch, with the instances that it has."""
        for arrival in batch:
            if arrival.summary.study_instance_uid != self._study_uid:
                yield from self.last()
                self._is_whole = self._is_whole or self._study_uid is not None
                self._study_uid = arrival.summary.study_instance_uid
                self._present = set()
            self._present.add(arrival.summary.sop_instance_uid)

    def last(self) -> Iterator[tuple[str, frozenset[str]]]:
        """The study at hand, if it was read whole."""
        if self._study_uid is not None and self._is_whole:
            yield self._study_uid, frozenset(self._present)
