"""A study that arrives gets its labels by dcm4chee 5's rules, before its store is confirmed.

What is decided later only reads the labels: no condition of these rules is ever asked by a decision.

Called by whatever stores, as one of `ports.Occurrences`; calls the index.

Invariants:
- labels are only added.
"""

from dataclasses import dataclass

from pacsgate.audit.events import AuditEvent, EventKind, StudyObject
from pacsgate.model.context import Context
from pacsgate.policy.foreign.dcm4chee.conditions import Observed
from pacsgate.policy.foreign.dcm4chee.store_labels import StoreLabels
from pacsgate.policy.ir import CALLED_AE_TITLE
from pacsgate.ports import OutboxStore, StudyIndex, Trail
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind
from pacsgate.services.administration import words
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.record import actor_of

_STORED = frozenset({OccurrenceKind.STUDY_ARRIVED, OccurrenceKind.SERIES_STORED})


@dataclass(frozen=True, slots=True)
class StoreLabelling:
    """The listener over the rules of an installation."""

    rules: StoreLabels
    index: StudyIndex
    outbox: OutboxStore
    trail: Trail

    def happened(self, occurrence: Occurrence) -> None:
        """Label what was stored."""
        uid, header = occurrence.study_instance_uid, occurrence.data_set
        if occurrence.kind not in _STORED or uid is None or header is None:
            return
        observed = Observed(header, occurrence.calling_ae_title, self._called(occurrence, uid))
        labels = self.rules.labels_for(observed)
        event = AuditEvent(
            EventKind.OBJECT_ACCESS_CHANGED,
            occurrence.at,
            actor_of(occurrence.subject, Context(occurrence.at, occurrence.source)),
            tenant=occurrence.scope.tenant,
            archive=occurrence.archive,
            study=StudyObject(uid),
            details={"change": "labels by store rules", "target": uid, "after": words(labels)},
        )
        if labels and self.index.add_labels(occurrence.scope, occurrence.archive, uid, labels, event):
            deliver_outbox(self.outbox, self.trail)

    def _called(self, occurrence: Occurrence, study_instance_uid: str) -> str | None:
        """The AE title of ours that the study first came to, as the gate witnessed it."""
        for study in self.index.studies(occurrence.scope, occurrence.archive, study_instance_uid):
            for title in study.facts.get(CALLED_AE_TITLE.name, ()):
                return str(title)
        return None
