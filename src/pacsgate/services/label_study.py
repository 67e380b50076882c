"""One label comes to a study or leaves it, by somebody who may update all of it.

Labels are the gate's own, as `pacsgate study` sets them, and policies read them: whoever may `update` a
study decides with its labels who else sees it.

Called by the Orthanc door; calls the index, and brings the event into the trail.

Invariants:
- on return the change is committed and on record, and the next request obeys it.
"""

from dataclasses import dataclass

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import GoneError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import OutboxStore, StudyIndex, Trail
from pacsgate.services.administration import words
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.record import Circumstances, study_object
from pacsgate.services.resolve import Reach


@dataclass(frozen=True, slots=True)
class LabelStudy:
    """The use case over all archives."""

    index: StudyIndex
    outbox: OutboxStore
    trail: Trail

    def change(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        reach: Reach,
        label: str,
        circumstances: Circumstances,
        *,
        present: bool,
    ) -> None:
        """Add or remove a label of the studies in reach, all of which have one StudyInstanceUID."""
        uid = reach.studies[0].study_instance_uid
        known = self.index.studies(scope, archive, uid)
        if not known:
            raise GoneError
        before = frozenset(str(name) for study in known for name in study.facts.get("labels", ()))
        after = before | {label} if present else before - {label}
        event = circumstances.event(
            EventKind.OBJECT_ACCESS_CHANGED,
            action=Action.UPDATE,
            study=study_object(reach.studies[0], reach.parts),
            reasons=reach.reasons,
            details={
                "change": "label added" if present else "label removed",
                "target": uid,
                "before": words(before),
                "after": words(after),
            },
        )
        self.index.set_labels(scope, archive, uid, labels=after, event=event)
        deliver_outbox(self.outbox, self.trail)
