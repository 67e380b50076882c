"""Study permissions: what a user, a group or a role may do to one study, without end.

A permission is a fact of its study, as its labels are: it is kept by the study's UID,
so that it may precede the study and outlive it.  What ends, or reaches further than one
study, is a `Grant`.

Invariants:
- no permission is for `store`: whoever brings a study that is not there has no study to be permitted.

Standard: none; the shape is that of dcm4chee's `study_permission`, with users and groups beside roles.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget

PERMITTABLE: frozenset[Action] = ALL_ACTIONS - {Action.STORE}
"""What a study permission can be for."""


class Holding(NamedTuple):
    """One action for one grantee, of whichever studies; what the engine looks for in a study's facts."""

    action: Action
    grantee_kind: GranteeKind
    grantee: str

    def __str__(self) -> str:
        return f"{self.action}:{self.grantee_kind}:{self.grantee}"


def grant_of(holding: Holding) -> Grant:
    """What a holding amounts to: a grant on every study that has this permission."""
    return Grant(
        grant_id=f"study-permission:{holding}",
        grantee_kind=holding.grantee_kind,
        grantee=holding.grantee,
        target=GrantTarget.STUDY_PERMISSION,
        target_id=str(holding),
        actions=frozenset({holding.action}),
        granted_by="",
        granted_at=datetime.min.replace(tzinfo=UTC),
    )


@dataclass(frozen=True, slots=True)
class StudyPermission:
    """One action on one study for one grantee."""

    study_instance_uid: str
    action: Action
    grantee_kind: GranteeKind
    grantee: str
    origin: str
    """What it came of, for an auditor: `command`, `api`, `import <digest>`, `rule <id>: <source>`."""
    granted_by: str
    granted_at: datetime

    @property
    def holding(self) -> Holding:
        """Whose, and for what."""
        return Holding(self.action, self.grantee_kind, self.grantee)
