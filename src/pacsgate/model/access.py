"""Who may enter a PACS's access units, by what, and for how long: the words of its access control.

An identity has standing access, a visit access for a time.  Both are *holders*: they hold credentials, and
access units are opened to them.  What a unit is depends on the PACS: a zone behind doors, or the studies of
a department.  `effective_access` says when what is held counts.

Called by every floor; calls nothing.

Invariants:
- times are aware UTC; a window begins inclusively and ends exclusively.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pacsgate.model.resource import ArchiveName, TenantName, TenantScope

FieldValue = str | int | bool
"""The value of an extension field; a date is its ISO 8601 text."""


@dataclass(frozen=True, slots=True, order=True)
class PacsPlace:
    """One PACS of one tenant: the place in which ids are unique."""

    tenant: TenantName
    pacs: ArchiveName

    @property
    def scope(self) -> TenantScope:
        """The tenant."""
        return TenantScope(self.tenant)


class HolderKind(StrEnum):
    """What holds access."""

    IDENTITY = "identity"
    VISIT = "visit"


@dataclass(frozen=True, slots=True, order=True)
class HolderKey:
    """One identity or visit of a place, by its id there."""

    kind: HolderKind
    holder_id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.holder_id}"


@dataclass(frozen=True, slots=True)
class Person:
    """What is said of whoever an identity or a visit is for."""

    name: str
    email: str = ""
    organization: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or device with standing access.

    `account` is the account at the gate that it is linked to, or `""`; a picture archive makes one.
    """

    identity_id: str
    person: Person
    created_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    account: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)

    @property
    def key(self) -> HolderKey:
        """Who it is as a holder."""
        return HolderKey(HolderKind.IDENTITY, self.identity_id)


class VisitState(StrEnum):
    """How far a visit is."""

    PLANNED = "planned"
    CHECKED_IN = "checkedIn"
    CHECKED_OUT = "checkedOut"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its time went by and nobody checked in."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Access for a time, effective from check-in to check-out.

    `visitor` is who comes, by an id that is the same at each of their visits.
    """

    visit_id: str
    visitor: str
    person: Person
    valid_from: datetime
    valid_to: datetime
    created_at: datetime
    state: VisitState = VisitState.PLANNED
    host: str = ""
    account: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    checked_in_at: datetime | None = None
    ended_at: datetime | None = None
    """When it was checked out, cancelled or found expired."""

    @property
    def key(self) -> HolderKey:
        """Who it is as a holder."""
        return HolderKey(HolderKind.VISIT, self.visit_id)


Holder = Identity | Visit


@dataclass(frozen=True, slots=True)
class AccessCredential:
    """What a holder shows: a card, a login, a token.

    `value` is unique per format and place; empty where the PACS makes the credential itself.
    """

    credential_id: str
    holder: HolderKey
    format: str
    created_at: datetime
    value: str = ""
    label: str = ""
    active: bool = True
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    reference: str = ""
    """Of a credential that the PACS makes: by which it knows it.  Never shown."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """An area that can be opened to a holder."""

    unit_id: str
    name: str
    kind: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class UnitAssignment:
    """A unit that is, or was, open to a holder."""

    holder: HolderKey
    unit_id: str
    assigned_at: datetime
    removed_at: datetime | None = None
