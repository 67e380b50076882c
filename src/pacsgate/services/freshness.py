"""Whether what the index says of a study is recent enough to decide on.

An archive that only the gate writes to needs no question: the index is exact.
One that others write to is asked again when a row is unknown or older than its
`max_staleness`; a study it no longer has leaves the index.

So that the time of an answer tells nothing, a hidden study costs the same
question as one that does not exist: `ask_anyway`.

Called by `resolve`; calls the archive and `index_objects`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports import Archive, Clock, StudyIndex
from pacsgate.services.index_objects import ObjectIndexer


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """How old a row of one archive may be; `None` when only the gate writes to it."""

    max_staleness: timedelta | None


class Freshness:
    """Keeps rows of archives that others write to within their staleness."""

    def __init__(
        self,
        index: StudyIndex,
        archives: Mapping[ArchiveName, Archive],
        rules: Mapping[ArchiveName, FreshnessRule],
        indexer: ObjectIndexer,
        clock: Clock,
    ) -> None:
        self._index = index
        self._archives = archives
        self._rules = rules
        self._indexer = indexer
        self._clock = clock

    def refresh(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> None:
        """Read the study again if its row is missing or too old.  Raises `ArchiveError`."""
        limit = self._rules[archive].max_staleness
        if limit is None:
            return
        rows = self._index.studies(scope, archive, study_instance_uid)
        now = self._clock.now()
        if rows and all(now - row.observed_at <= limit for row in rows):
            return
        self._read_again(scope, archive, study_instance_uid)

    def ask_anyway(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str, *, known: bool
    ) -> None:
        """Put the question that an unknown study would have cost, when the row was known and fresh.

        Only for archives that others write to; elsewhere neither case asks.
        """
        if known and self._rules[archive].max_staleness is not None:
            self._read_again(scope, archive, study_instance_uid)

    def _read_again(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> None:
        try:
            arrivals = tuple(self._archives[archive].study(study_instance_uid))
        except RequestError as gone:
            if gone.status not in {404, 410}:
                raise
            arrivals = ()
        if arrivals:
            self._indexer.replace_study(scope, archive, study_instance_uid, arrivals)
        else:
            self._index.remove(scope, archive, ResourceKey(study_instance_uid))
