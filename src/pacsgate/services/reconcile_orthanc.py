"""Finds what an Orthanc has lost, or the index has, when their counts differ.

Studies are compared by name, a page at a time.  If it is not whole studies, those that have lost or won
instances are found by asking each for its number of instances.

Called by `feed`; calls the watch, the index and `freshness`.

Invariants:
- whatever differs is read again by its name before it leaves the index.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.ports import StudyEntry, StudyIndex
from pacsgate.ports.orthanc import OrthancWatch
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.freshness import Freshness

_PAGE = 10_000
"""Identifiers asked for at once: Orthanc counts its way to each page from the beginning."""
_LASTING = 3
"""A difference is looked into when as many polls in a row have seen the same."""
_UNSETTLED = 60
"""Or when as many have seen one or another."""
_REST = 10
"""How many times as long as a reconciliation took the next one waits,"""
_QUICK_SECONDS = 1.0
"""unless it took no longer than this."""

Difference = tuple[int, int, int]
"""How many more studies, series and instances an archive has than the index knows."""


class Doubt:
    """Whether a difference in the counts is worth a reconciliation.

    Something may just have come, so one look is not enough; and objects that cannot be indexed remain a
    difference after all has been looked into.
    """

    def __init__(self, settled: Difference) -> None:
        self._settled = settled
        self._last = settled
        self._same = self._any = 0
        self._not_before = 0.0

    def grows(self, difference: Difference, now: float) -> bool:
        """Whether it is enough by now."""
        if difference == self._settled:
            self._same = self._any = 0
            return False
        self._same = self._same + 1 if difference == self._last else 1
        self._any += 1
        self._last = difference
        return (self._same >= _LASTING or self._any >= _UNSETTLED) and now >= self._not_before

    def settle(self, difference: Difference, *, began: float, ended: float) -> None:
        """All has been looked into, and this is left."""
        self._settled = difference
        self._same = self._any = 0
        took = ended - began
        self._not_before = ended + _REST * took if took > _QUICK_SECONDS else ended


@dataclass(frozen=True, slots=True)
class ReconcileOrthanc:
    """Reconciles the index with one archive."""

    index: StudyIndex
    watch: OrthancWatch
    freshness: Freshness
    scope: TenantScope
    archive: ArchiveName

    def difference(self) -> Difference:
        """How many more studies, series and instances the archive has than the index knows."""
        counts = self.watch.counts()
        studies, series, instances = self.index.counts(self.scope, self.archive)
        return counts.studies - studies, counts.series - series, counts.instances - instances

    def run(self, between: Callable[[], None]) -> None:
        """Make the index hold what the archive holds; `between` is called between steps.

        Raises `ArchiveError`, and whatever `between` raises.
        """
        self._call_studies(between)
        if any(self.difference()):
            for study in self.index.every_study(self.scope, self.archive):
                between()
                if self._differs(study):
                    self._look_again(study.study_instance_uid)

    def _call_studies(self, between: Callable[[], None]) -> None:
        call = self.index.roll_call(self.scope, self.archive)
        since = 0
        while page := self.watch.study_ids(since, _PAGE):
            between()
            for unknown in call.present(page):
                for study in self.watch.studies_of(Level.STUDY, unknown):
                    self._look_again(study.study_instance_uid)
            since += len(page)
        for study_uid in call.absent():
            between()
            self._look_again(study_uid)

    def _differs(self, study: StudyEntry) -> bool:
        held = sum(len(series.instances) for series in study.series)
        return self.watch.instances_of(orthanc_id(study.patient_id, study.study_instance_uid)) != held

    def _look_again(self, study_uid: str) -> None:
        self.freshness.look_again(self.scope, self.archive, study_uid)
