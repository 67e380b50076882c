"""Whether what the index says of a study is recent enough to decide on.

An archive that only the gate writes to needs no question: the index is exact.
One that others write to is asked again when a row is unknown or older than its
`max_staleness`; a study it no longer has leaves the index.

So that the time of an answer tells nothing, a hidden study costs the same
question as one that does not exist: `ask_anyway`.

Called by `resolve`, `judge_store`, `sync_index` and the doors; calls the archive and `index_objects`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pacsgate.model.errors import GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports import Archive, Clock, EpochStore, StudyEntry, StudyIndex
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.recent_studies import RecentStudies, RecentStudy


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """How old a row of one archive may be; `None` when only the gate writes to it."""

    max_staleness: timedelta | None


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
    ) -> None:
        self._index = index
        self._recent = RecentStudies(index, epochs)
        self._archives = archives
        self._rules = rules
        self._indexer = indexer
        self._clock = clock

    def studies(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> Fresh:
        """What the index says of a study, read again from the archive first if it is missing or too old.

        Raises `ArchiveError`.
        """
        rows = self._recent.read(scope, archive, study_instance_uid)
        limit = self._rules[archive].max_staleness
        if limit is None or (rows and self._is_recent_enough(rows, limit)):
            return Fresh(rows, asked=False)
        self.look_again(scope, archive, study_instance_uid)
        return Fresh(self._index.studies(scope, archive, study_instance_uid), asked=True)

    def recall(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> RecentStudy | None:
        """The same, if neither archive nor index need be asked; `None` says nothing about the study."""
        recent = self._recent.recall(scope, archive, study_instance_uid)
        limit = self._rules[archive].max_staleness
        if recent is None or limit is None or self._is_recent_enough(recent.entries, limit):
            return recent
        return None

    def _is_recent_enough(self, rows: tuple[StudyEntry, ...], limit: timedelta) -> bool:
        now = self._clock.now()
        return all(now - row.observed_at <= limit for row in rows)

    def ask_anyway(self, archive: ArchiveName, study_instance_uid: str, *, asked: bool) -> None:
        """Put the question that an unknown study costs, unless `studies` did.  Raises `ArchiveError`.

        Only for archives that others write to; elsewhere no case asks.
        """
        if not asked and self._rules[archive].max_staleness is not None:
            next(iter(self._archives[archive].study(study_instance_uid)), None)

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
                    key = ResourceKey(study_instance_uid, series.series_instance_uid, uid)
                    if uid not in present and self._is_gone(archive, key):
                        self._index.remove(scope, archive, key)

    def _is_gone(self, archive: ArchiveName, key: ResourceKey) -> bool:
        try:
            return next(iter(self._archives[archive].headers(key)), None) is None
        except GoneError:
            return True
