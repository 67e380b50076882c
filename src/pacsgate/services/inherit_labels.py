"""A study made from another inherits what administrators said of that one, before anybody can see it.

Modifying or anonymizing makes a new study, with a new UID and without the labels and collections of the
first: a rule that keeps a labelled study from somebody would not keep its copy.  Orthanc remembers from what
a study or series was made, so each that is new to the index is asked about.  It remembers nothing of
what was split off or merged (1.10.1): behind the gate's back, that comes without labels.

Called by `index_objects` for whatever comes, and by what modifies a study through the gate, which knows
the source itself; calls the index and the watch on Orthanc.

Invariants:
- labels are only added, and are durable before the study is indexed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pacsgate.audit.events import Actor, AuditEvent, EventKind, StudyObject
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.ports import Clock, StudyIndex
from pacsgate.ports.orthanc import OrthancWatch
from pacsgate.protocols.orthanc.identifiers import orthanc_id

_GATE = Actor("pacsgate", verified=True)


@dataclass(frozen=True, slots=True)
class InheritLabels:
    """Carries labels and collections over."""

    index: StudyIndex
    watches: Mapping[ArchiveName, OrthancWatch]
    clock: Clock

    def inherit(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        sources: Collection[str],
        study_instance_uid: str,
        actor: Actor = _GATE,
    ) -> None:
        """Give a study what those with these StudyInstanceUIDs have; it need not be in the index yet."""
        event = AuditEvent(
            EventKind.OBJECT_ACCESS_CHANGED,
            self.clock.now(),
            actor,
            tenant=scope.tenant,
            archive=archive,
            study=StudyObject(study_instance_uid),
            details={
                "change": "labels inherited",
                "target": study_instance_uid,
                "sources": " ".join(sorted(sources)),
            },
        )
        self.index.copy_labels(scope, archive, sources, study_instance_uid, event)

    def for_new(self, scope: TenantScope, archive: ArchiveName, summaries: Iterable[InstanceSummary]) -> None:
        """Do so for each of these that brings a new study or series, from what Orthanc remembers.

        Raises `ArchiveError`.
        """
        watch = self.watches.get(archive)
        if watch is None:
            return
        named = {
            (level, orthanc_id(summary.patient_id, *uids)): summary.study_instance_uid
            for summary in summaries
            for level, uids in _above(summary)
        }
        for (level, name), study_uid in named.items():
            if self.index.with_orthanc_id(scope, archive, name):
                continue
            for source in watch.made_from(level, name):
                if sources := self._studies_of(scope, archive, watch, source):
                    self.inherit(scope, archive, sources, study_uid)

    def _studies_of(
        self, scope: TenantScope, archive: ArchiveName, watch: OrthancWatch, made_from: str
    ) -> frozenset[str]:
        """The UID of the study that an identifier of a study or series means, also if Orthanc has lost it."""
        known = self.index.with_orthanc_id(scope, archive, made_from)
        if known:
            return frozenset(study.study_instance_uid for study in known)
        return frozenset(
            study.study_instance_uid
            for level in (Level.STUDY, Level.SERIES)
            for study in watch.studies_of(level, made_from)
        )


def _above(summary: InstanceSummary) -> tuple[tuple[Level, tuple[str, ...]], ...]:
    study, series = summary.study_instance_uid, summary.series_instance_uid
    return (Level.STUDY, (study,)), (Level.SERIES, (study, series))
