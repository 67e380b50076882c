"""The studies that were asked for last, as the index has them now.

A viewer asks for hundreds of objects of one study.  What the index says of it is read once and kept
with the index's epoch; as long as that stands still, nothing that the index holds has changed.  So
the next question needs no database and no thread.

Called by `freshness`.

Invariants:
- what is recalled is exactly what the index would say now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports import EpochStore, InstanceEntry, SeriesEntry, StudyEntry, StudyIndex

MOST_INSTANCES = 20_000
"""Kept by one process in all, some 3 KiB each; when there are more, all are forgotten."""

_Place = tuple[StudyEntry, SeriesEntry, InstanceEntry]


@dataclass(frozen=True)
class RecentStudy:
    """Every study with one UID, under one epoch."""

    entries: tuple[StudyEntry, ...]
    epoch: int

    @cached_property
    def _places(self) -> Mapping[str, tuple[_Place, ...]]:
        places: dict[str, tuple[_Place, ...]] = {}
        for study in self.entries:
            for series in study.series:
                for instance in series.instances:
                    uid = instance.sop_instance_uid
                    places[uid] = (*places.get(uid, ()), (study, series, instance))
        return places

    def places_of(self, key: ResourceKey) -> tuple[_Place, ...]:
        """Where the named instance is: study, part of a series, itself; the parents are those named."""
        return tuple(
            place
            for place in self._places.get(key.sop_instance_uid or "", ())
            if place[1].series_instance_uid == key.series_instance_uid
            and key.patient_id in {None, place[0].patient_id}
        )


@dataclass(slots=True)
class RecentStudies:
    """A memory in front of `StudyIndex.studies`."""

    index: StudyIndex
    epochs: EpochStore
    _kept: dict[tuple[TenantScope, ArchiveName, str], RecentStudy] = field(default_factory=dict)
    _instances: int = 0

    def recall(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> RecentStudy | None:
        """What the index says, if that is known without asking it."""
        kept = self._kept.get((scope, archive, study_instance_uid))
        return kept if kept is not None and kept.epoch == self.epochs.current().index else None

    def read(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
    ) -> tuple[StudyEntry, ...]:
        """What the index says."""
        recalled = self.recall(scope, archive, study_instance_uid)
        if recalled is not None:
            return recalled.entries
        # The epoch is read before the rows: what changes in between is read too early, never too late.
        epoch = self.epochs.current().index
        entries = self.index.studies(scope, archive, study_instance_uid)
        self._keep((scope, archive, study_instance_uid), RecentStudy(entries, epoch))
        return entries

    def _keep(self, name: tuple[TenantScope, ArchiveName, str], recent: RecentStudy) -> None:
        instances = sum(len(series.instances) for study in recent.entries for series in study.series)
        # Epoch 0 is that of an index into which nothing has come yet.
        if not 0 < instances <= MOST_INSTANCES or not recent.epoch:
            return
        self._instances += instances
        if self._instances > MOST_INSTANCES:
            self._kept, self._instances = {}, instances
        self._kept[name] = recent
