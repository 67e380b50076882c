"""What goes on record of an object that somebody else sends: an opening without a count of bytes.

The gate says yes and sees nothing of the answer.  So the event names by way of whom the object goes,
and says that its bytes are not counted; its window counts the instances that were asked about.

Called by the doors that are asked: `auth_check` and `plugin_asking`.
"""

from collections.abc import Iterator

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.model.actions import Action
from pacsgate.model.subject import Subject
from pacsgate.services.record import Circumstances, study_object
from pacsgate.services.resolve import Reach

_NOT_SEEN = {"bytes": "not counted: the enforcement point sends them"}


def passed_by(point: Subject) -> str:
    """Who takes it from there, as the record names the recipient."""
    return f"by way of {point.name}"


def passing(
    reach: Reach, shared: Circumstances, point: Subject, kind: EventKind, action: Action
) -> Iterator[AuditEvent]:
    """One event for each study of what is about to pass."""
    for study in reach.studies:
        yield shared.event(
            kind,
            action=action,
            study=study_object(study, reach.parts),
            reasons=reach.reasons,
            recipient=passed_by(point),
            details=_NOT_SEEN,
        )
