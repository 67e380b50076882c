"""Accounts and their assignments, as `/api/v1` reads and tells them.

Called by the routers about users.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, StrictStr

from pacsgate.admin.api.instants import Instant
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import Attributes, Scalar, SubjectKind
from pacsgate.policy.policy import Policy
from pacsgate.ports import UserRecord
from pacsgate.services.managed_accounts import AccountState

UserName = Annotated[str, Path(description="The name of an account.", min_length=1, max_length=256)]

_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Groups = Annotated[list[_Name], Field(max_length=1000)]
_DisplayName = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Text = Annotated[StrictStr, Field(max_length=1000)]
_Value = _Text | StrictBool | StrictInt | FiniteFloat
_Values = Annotated[list[_Value], Field(min_length=1, max_length=1000)]
_Attributes = Annotated[dict[str, _Values], Field(max_length=100)]


def attributes_of(given: dict[str, list[_Value]]) -> Attributes:
    """Attributes, each with the set of its values."""
    return {name: frozenset(values) for name, values in given.items()}


class NewUser(BaseModel):
    """An account to be made; nobody can sign in to it until they have redeemed an invitation."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    kind: SubjectKind = SubjectKind.USER
    display_name: _DisplayName = ""
    groups: _Groups = []
    attributes: _Attributes = {}
    starts: Instant | None = None
    until: Instant | None = None


class UserChange(BaseModel):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    display_name: _DisplayName = ""
    groups: _Groups = []
    attributes: _Attributes = {}
    starts: Instant | None = None
    until: Instant | None = None
    disabled: bool = False


class NewAssignment(BaseModel):
    """A role to be given: in the whole tenant, one archive or one collection, for good or for a time."""

    model_config = ConfigDict(extra="forbid")

    role: _Name
    archive: _Name | None = None
    collection: _Name | None = None
    starts: Instant | None = None
    until: Instant | None = None

    def assignment(self) -> Assignment:
        """As the use cases know it."""
        return Assignment(self.role, scope_of(self.archive, self.collection), self.starts, self.until)


def scope_of(archive: str | None, collection: str | None) -> AssignmentScope:
    """Where an assignment holds."""
    return AssignmentScope(None if archive is None else ArchiveName(archive), collection)


class AssignmentTold(BaseModel):
    """One role that somebody has, had or will have."""

    role: str
    archive: str | None
    collection: str | None
    starts: datetime | None
    until: datetime | None
    defined_at: str | None = Field(description="Its place in a policy file; `null` for one of the account.")

    @classmethod
    def of(cls, given: Assignment, place: str | None = None) -> "AssignmentTold":
        """As it is told."""
        return cls(
            role=given.role,
            archive=given.scope.archive,
            collection=given.scope.collection,
            starts=given.starts,
            until=given.until,
            defined_at=place,
        )


class UserTold(BaseModel):
    """One account."""

    name: str
    kind: SubjectKind
    display_name: str
    source: str = Field(description="The identity source that keeps it; empty is the gate itself.")
    state: AccountState
    groups: list[str]
    attributes: dict[str, list[str | bool | int | float]]
    assignments: list[AssignmentTold]
    starts: datetime | None
    until: datetime | None
    locked_until: datetime | None
    has_password: bool
    has_second_factor: bool
    created_at: datetime | None
    last_sign_in_at: datetime | None

    @classmethod
    def of(cls, user: UserRecord, policy: Policy, now: datetime) -> "UserTold":
        """As it is told at `now`."""
        return cls(
            name=user.name,
            kind=SubjectKind(user.kind),
            display_name=user.display_name,
            source=user.source,
            state=AccountState.of(user, now),
            groups=sorted(user.groups),
            attributes={name: sorted(held, key=_spelling) for name, held in sorted(user.attributes.items())},
            assignments=assignments_told(user, policy),
            starts=user.starts,
            until=user.until,
            locked_until=user.locked_until,
            has_password=user.password_hash is not None,
            has_second_factor=user.has_second_factor,
            created_at=user.created_at,
            last_sign_in_at=user.last_sign_in_at,
        )


class UserList(BaseModel):
    """Accounts, by name."""

    users: list[UserTold]
    next: str | None


MOVES_BY_ITSELF = frozenset({"last_sign_in_at", "state"})
"""What changes of an account without anybody changing it."""


def assignments_told(user: UserRecord, policy: Policy) -> list[AssignmentTold]:
    """The account's own assignments, then those that policy files make."""
    own = [AssignmentTold.of(given) for given in user.assignments]
    own.sort(key=lambda told: (told.role, told.archive or "", told.collection or ""))
    return own + [
        AssignmentTold.of(given.assignment, str(given.place))
        for given in policy.assignments
        if user.name in given.users or user.groups & given.groups
    ]


def _spelling(value: Scalar) -> tuple[str, str]:
    return type(value).__name__, str(value)
