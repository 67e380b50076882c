"""Whether what the index says of a study is recent enough to decide on.

An archive that only the gate writes to needs no question: the index is exact.
One that others write to is asked again when a row is unknown or older than its
`max_staleness`; a study it no longer has leaves the index.  Where a feed tells what
others do (`feed`), rows are as recent as the feed is current.

So that the time of an answer tells nothing, a hidden study costs the same
questions as one that does not exist: `ask_anyway`.  What is left is a hidden study whose row had grown too
old: it costs its reading, once, and a crawl or feed that keeps up leaves none.

Called by `resolve`, `judge_store`, `sync_index` and the doors; calls the archive and `index_objects`.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from pacsgate.model.errors import GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports import Archive, Arrival, Clock, EpochStore, StudyEntry, StudyIndex
from pacsgate.services.feed_currency import FeedCurrency
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.recent_studies import RecentStudies, RecentStudy

_TURNS = 256
"""Old rows that may be read again at the same time."""


def made_up_uid() -> str:
    """A UID that nobody has (PS3.5 B.2)."""
    return f"2.25.{secrets.randbits(128)}"


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """How old a row of one archive may be; `None` when only the gate writes to it.

    With a feed, it is the feed that may not be older, and all rows are as recent as it is.
    """

    max_staleness: timedelta | None
    fed: bool = False


@dataclass(frozen=True, slots=True)
class Fresh:
    """Rows that are recent enough to decide on."""

    studies: tuple[StudyEntry, ...]
    asked: bool
    """Whether the archive had to be asked."""


class Freshness:
    """Keeps rows of archives that others write to within their staleness."""

    def __init__(
        self,
        index: StudyIndex,
        archives: Mapping[ArchiveName, Archive],
        rules: Mapping[ArchiveName, FreshnessRule],
        indexer: ObjectIndexer,
        clock: Clock,
        epochs: EpochStore,
        currency: FeedCurrency,
    ) -> None:
        self._currency = currency
        self._turns = tuple(Lock() for _ in range(_TURNS))
        self._index = index
        self._recent = RecentStudies(index, epochs)
        self._archives = archives
        self._rules = rules
        self._indexer = indexer
        self._clock = clock

    def others_write(self, archive: ArchiveName) -> bool:
        """Whether the archive may hold what the index has not heard of."""
        return self._rules[archive].max_staleness is not None

    def studies(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> Fresh:
        """What the index says of a study, read again from the archive first if it is missing or too old.

        Raises `ArchiveError`.
        """
        rows = self._recent.read(scope, archive, study_instance_uid)
        rule = self._rules[archive]
        if rule.max_staleness is None or (rows and self._is_recent_enough(rows, rule.max_staleness)):
            return Fresh(rows, asked=False)
        if rows and rule.fed and self._currency.is_current(scope, archive, rule.max_staleness):
            return Fresh(rows, asked=False)
        if not rows:
            self.look_again(scope, archive, study_instance_uid)
            return Fresh(self._index.studies(scope, archive, study_instance_uid), asked=True)
        # A viewer's requests come all at once: one of them reads the study, the others wait for that.
        with self._turns[hash(study_instance_uid) % len(self._turns)]:
            rows = self._index.studies(scope, archive, study_instance_uid)
            if not rows or not self._is_recent_enough(rows, rule.max_staleness):
                self.look_again(scope, archive, study_instance_uid)
                rows = self._index.studies(scope, archive, study_instance_uid)
        return Fresh(rows, asked=True)

    def recall(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> RecentStudy | None:
        """The same, if neither archive nor index need be asked; `None` says nothing about the study."""
        recent = self._recent.recall(scope, archive, study_instance_uid)
        rule = self._rules[archive]
        if recent is None or rule.max_staleness is None:
            return recent
        if self._is_recent_enough(recent.entries, rule.max_staleness):
            return recent
        if rule.fed and self._currency.recall(scope, archive, rule.max_staleness):
            return recent
        return None

    def is_behind(self, scope: TenantScope, archive: ArchiveName) -> bool:
        """Whether the feed of an archive is further behind than it may be."""
        rule = self._rules[archive]
        if not rule.fed or rule.max_staleness is None:
            return False
        return not self._currency.is_current(scope, archive, rule.max_staleness)

    def _is_recent_enough(self, rows: tuple[StudyEntry, ...], limit: timedelta) -> bool:
        now = self._clock.now()
        return all(now - row.observed_at <= limit for row in rows)

    def ask_anyway(self, scope: TenantScope, archive: ArchiveName, *, asked: bool) -> None:
        """Spend what an unknown study costs, unless `studies` asked the archive.  Raises `ArchiveError`.

        The very question is put, about a UID that nobody has.  About the hidden study itself it would take as
        long as that study is large, and tell the two apart.
        """
        if not asked:
            self.studies(scope, archive, made_up_uid())

    def look_again(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> None:
        """Make the index say of a study what the archive says now.  Raises `ArchiveError`."""
        begun = self._clock.now()
        arrivals = tuple(self._archives[archive].study(study_instance_uid))
        self._indexer.add(scope, archive, arrivals)
        self.drop_missing(
            scope, archive, study_instance_uid, {arrival.summary.sop_instance_uid for arrival in arrivals}
        )
        # What somebody stored through the gate meanwhile was confirmed later than `begun`, and stays.
        rows = self._index.studies(scope, archive, study_instance_uid)
        if any(row.observed_at < begun for row in rows):  # an unknown study must not cost a write
            self._index.remove_unobserved(scope, archive, study_instance_uid, begun)

    def take(self, scope: TenantScope, archive: ArchiveName, arrivals: Iterable[Arrival]) -> None:
        """Index what an archive was found to hold besides what is known of it.  Raises `ArchiveError`."""
        self._indexer.add(scope, archive, arrivals)

    def drop_missing(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str, present: Collection[str]
    ) -> None:
        """Take instances out of the index that are not among `present`, nor in the archive by now."""
        if not present:
            return
        for study in self._index.studies(scope, archive, study_instance_uid):
            for series in study.series:
                for instance in series.instances:
                    uid = instance.sop_instance_uid
                    key = ResourceKey(study_instance_uid, series.series_instance_uid, uid, study.patient_id)
                    if uid not in present and self._is_gone(archive, key):
                        self._index.remove(scope, archive, key)

    def _is_gone(self, archive: ArchiveName, key: ResourceKey) -> bool:
        try:
            return next(iter(self._archives[archive].headers(key)), None) is None
        except GoneError:
            return True
