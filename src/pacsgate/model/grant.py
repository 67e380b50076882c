"""Grants: one subject, one resource, some actions, until some time.

Standard: none; the shape is that of dcm4chee's study permissions, widened to
patients, series and collections and given an end.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName


class GranteeKind(StrEnum):
    """To whom a grant is made."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"


class GrantTarget(StrEnum):
    """What a grant is made on.  The value of a patient grant is `issuer|PatientID` or `PatientID`."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    COLLECTION = "collection"
    DEPARTMENT = "department"
    """Every study of which the policy's attribute `study.department` has the value; none under a policy that
    declares no such attribute."""
    STUDY_PERMISSION = "study-permission"
    """Every study with one permission of the grantee; the value is that `Holding`.

    Nobody makes such a grant: the directory has one for each holding."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Allows actions on one resource under the same forbids and role ceilings as every rule.

    `expires` (aware UTC, exclusive) is `None` for a grant without end, `archive` for one in every archive.
    """

    grant_id: str
    grantee_kind: GranteeKind
    grantee: str
    target: GrantTarget
    target_id: str
    actions: frozenset[Action]
    granted_by: str
    granted_at: datetime
    expires: datetime | None = None
    archive: ArchiveName | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the grant still holds at `now` (aware UTC)."""
        return self.expires is None or now < self.expires
