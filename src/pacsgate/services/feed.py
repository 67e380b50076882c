"""What others do to an Orthanc reaches the index: its log of changes, read on and on.

The log names each new instance, and each is read from the archive as it is now.  It names nothing that
was deleted (1.10.1), so after each reading the archive's own counts are compared with the index's; a
difference that lasts is looked for (`reconcile_orthanc`).

The log has a beginning: what was there before comes from a crawl, and the log is then read from where it
stood when the crawl began.  Some of the changes that were read are kept as anchors: if those that are
still in the log are not what they were, the archive has another database than before, and is crawled anew.

Called by `bootstrap.feeds`, once a second for each archive; calls the watch, the crawl and the indexer.

Invariants:
- the place in the log is saved after what comes before it is indexed: a feed that is stopped repeats some
  work and never skips any;
- it is current only if the index knew everything that the archive held when it was last asked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.ports import Clock, StudyIndex
from pacsgate.ports.feeds import Anchor, FeedState, FeedStore
from pacsgate.ports.orthanc import OrthancChange, OrthancChanges, OrthancWatch
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.freshness import Freshness
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.reconcile_orthanc import Difference, Doubt, ReconcileOrthanc
from pacsgate.services.sync_index import SyncIndex, SyncProgress

_PAGE = 1000
"""Changes asked for at once."""
_BATCH = 100
"""Instances per transaction."""
_NEW = "NewInstance"
_MEANWHILE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FeedParts:
    """What a feed works with."""

    index: StudyIndex
    watch: OrthancWatch
    feeds: FeedStore
    indexer: ObjectIndexer
    freshness: Freshness
    sync: SyncIndex
    clock: Clock


@dataclass(frozen=True, slots=True)
class Told:
    """Who hears of a feed's work as it goes on.  Each may raise in order to stop it."""

    crawl: Callable[[SyncProgress], None]
    event: Callable[[str], None]
    between: Callable[[], None]
    """Between two steps of any work."""


class Feed:
    """The feed of one archive."""

    def __init__(
        self,
        parts: FeedParts,
        scope: TenantScope,
        archive: ArchiveName,
        max_staleness: timedelta,
        told: Told,
    ) -> None:
        self._every = max_staleness / 10
        self._parts = parts
        self._scope = scope
        self._archive = archive
        self._told = told
        self._reconcile = ReconcileOrthanc(parts.index, parts.watch, parts.freshness, scope, archive)
        self._doubt: Doubt | None = None
        self._follow_again_at = 0.0

    def poll(self) -> bool:
        """Bring the index up to date; says whether it is.  Raises `ArchiveError`, and what `told` raises."""
        state = self._standing() or self._begun()
        if not state.crawled:
            self._parts.sync.sync(self._scope, self._archive, self._told.crawl)
            state = self._saved(replace(state, crawled=True))
        if not self._followed(state):
            return False
        self._compare_counts(state.settled)
        return True

    def _followed(self, state: FeedState) -> bool:
        """Read what the log says after this; `False` if it is the log of another database."""
        while True:
            asked_at = self._parts.clock.now()
            page = self._page(state)
            if not self._continues(state, page):
                self._begun()
                return False
            self._take([change for change in page.changes if change.number > state.cursor])
            if page.done:
                break
            state = self._saved(_after(state, page))
            self._told.between()
        self._current(_after(state, page), asked_at, before=state)
        return True

    def crawl(self) -> None:
        """Read everything now, whatever was read before.  Raises `ArchiveError`, and what `told` raises."""
        state = self._head()
        self._parts.sync.sync(self._scope, self._archive, self._told.crawl)
        standing = self._parts.feeds.read(self._scope, self._archive)
        if standing is None or not standing.crawled:
            self._saved(replace(state, crawled=True))

    def _standing(self) -> FeedState | None:
        """Where the feed stands; of a crawl that was broken off, only if it was of the same database."""
        state = self._parts.feeds.read(self._scope, self._archive)
        if state is None or state.crawled or self._continues(state, self._page(state)):
            return state
        return None

    def _begun(self) -> FeedState:
        """Begin with a crawl.  What changes meanwhile is in the log, after where it stands now."""
        self._told.event("the archive was not read before, or has another database: it is read whole")
        self._parts.index.save_sync(self._scope, self._archive, None)
        return self._saved(self._head())

    def _head(self) -> FeedState:
        """Where the log stands now."""
        nowhere = FeedState(0, (), crawled=False, current_at=None)
        oldest, newest = self._parts.watch.changes(0, 1), self._parts.watch.newest()
        return _after(_after(nowhere, oldest), newest)

    def _page(self, state: FeedState) -> OrthancChanges:
        """The change at the cursor, if it is still there, and those after it."""
        return self._parts.watch.changes(max(state.cursor - 1, 0), _PAGE)

    def _continues(self, state: FeedState, page: OrthancChanges) -> bool:
        """Whether a page comes from the database of before: the newest anchor that is still there says it.

        A change leaves the log together with what it was about.
        """
        if page.last < state.cursor:
            return False
        for anchor in state.anchors:
            asked = page if anchor.number == state.cursor else self._parts.watch.changes(anchor.number - 1, 1)
            if asked.changes and asked.changes[0].number == anchor.number:
                return asked.changes[0].fingerprint == anchor.fingerprint
        return not state.anchors

    def _current(self, state: FeedState, at: datetime, *, before: FeedState) -> None:
        """Say that the feed is current; on disk only as often as others must know it."""
        last = before.current_at
        if state.cursor != before.cursor or last is None or not timedelta(0) <= at - last < self._every:
            self._saved(replace(state, current_at=at))

    def _saved(self, state: FeedState) -> FeedState:
        self._parts.feeds.save(self._scope, self._archive, state)
        return state

    def _take(self, changes: Sequence[OrthancChange]) -> None:
        new = dict.fromkeys(
            change.orthanc_id
            for change in changes
            if change.change_type == _NEW and change.level is Level.INSTANCE
        )
        arrivals = self._parts.watch.arrivals(tuple(new))
        while batch := list(islice(arrivals, _BATCH)):
            self._parts.indexer.add(self._scope, self._archive, batch)
            for arrival in batch:
                summary = arrival.summary
                uids = (summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid)
                new.pop(orthanc_id(summary.patient_id, *uids), None)
        # What is gone again may be in the index, from what it was before or from a request in between.
        for study_uid in {
            study.study_instance_uid
            for gone in new
            for study in self._parts.index.with_orthanc_id(self._scope, self._archive, gone)
        }:
            self._parts.freshness.look_again(self._scope, self._archive, study_uid)

    def _compare_counts(self, settled: Difference) -> None:
        """Look for what was deleted, if the counts tell that something was."""
        doubt = self._doubt = self._doubt or Doubt(settled)
        now = self._parts.clock.monotonic()
        if not doubt.grows(self._reconcile.difference(), now):
            return
        self._told.event("the archive's counts differ from the index's: looking for what was deleted")
        self._reconcile.run(self._follow_meanwhile)
        left = self._reconcile.difference()
        doubt.settle(left, began=now, ended=self._parts.clock.monotonic())
        standing = self._parts.feeds.read(self._scope, self._archive)
        if standing is not None:
            self._saved(replace(standing, settled=left))

    def _follow_meanwhile(self) -> None:
        """Go on following the log in the middle of longer work."""
        self._told.between()
        if self._parts.clock.monotonic() < self._follow_again_at:
            return
        state = self._parts.feeds.read(self._scope, self._archive)
        if state is not None and state.crawled:
            self._followed(state)
        self._follow_again_at = self._parts.clock.monotonic() + _MEANWHILE_SECONDS


def _after(state: FeedState, page: OrthancChanges) -> FeedState:
    """Where the log stands after a page; an empty one leaves only a number to go on from."""
    if not page.changes:
        return replace(state, cursor=max(page.last, state.cursor))
    last = page.changes[-1]
    anchors = (Anchor(last.number, last.fingerprint), *state.anchors)
    return replace(state, cursor=last.number, anchors=tuple(_thinned(anchors)))


def _thinned(anchors: Sequence[Anchor]) -> Iterator[Anchor]:
    """Some near and some far: each more than twice as far back as the one before."""
    reach = -1
    for anchor in anchors:
        if (back := anchors[0].number - anchor.number) > 2 * reach:
            yield anchor
            reach = back
