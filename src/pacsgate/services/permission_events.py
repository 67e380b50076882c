"""What changed of study permissions, as events of the trail.

Called by `study_permissions`, inside the transaction that made the change.

Standard: PS3.16 CID 401 (110135).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from pacsgate.audit.events import AuditEvent, EventKind, StudyObject
from pacsgate.model.grant import GranteeKind
from pacsgate.model.study_permission import StudyPermission
from pacsgate.services.administration import Change, words

GIVEN = "given"
TAKEN_BACK = "taken back"


def permission_events(
    change: Change, word: str, origin: str, changed: Sequence[StudyPermission]
) -> Iterator[AuditEvent]:
    """One event for each study and grantee."""

    def key(each: StudyPermission) -> tuple[str, GranteeKind, str]:
        return each.study_instance_uid, each.grantee_kind, each.grantee

    for (uid, kind, grantee), group in groupby(sorted(changed, key=key), key=key):
        actions = words(each.action for each in group)
        yield change.event(
            EventKind.OBJECT_ACCESS_CHANGED,
            f"study permission {word}",
            f"{kind}:{grantee}",
            before="" if word == GIVEN else actions,
            after=actions if word == GIVEN else "",
            study=StudyObject(uid),
            origin=origin,
        )


def import_events(change: Change, origin: str, changed: Sequence[StudyPermission]) -> Iterator[AuditEvent]:
    """One event for a batch of an import."""
    yield change.event(
        EventKind.OBJECT_ACCESS_CHANGED,
        "study permissions imported",
        origin,
        permissions=str(len(changed)),
        studies=str(len({each.study_instance_uid for each in changed})),
        first=changed[0].study_instance_uid,
        last=changed[-1].study_instance_uid,
    )
