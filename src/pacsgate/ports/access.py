"""What the rules of identities, visits, credentials and access units stand on.

`AccessStore` keeps what was said: the gate's own database for its own archives, an agent's for a PACS on
site.  `Effects` is what becomes of it: grants and accounts in a picture archive, whatever a controller must
be told at doors.

Implemented by `stores.access` and by each kind of PACS; called by `services.access`.

Invariants:
- everything within one `together` is committed at once, what effects write to the same database included,
  or none of it is;
- all that is read within it is as it was left there.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.model.access import (
    AccessCredential,
    AccessUnit,
    Holder,
    HolderKey,
    HolderKind,
    Identity,
    PacsPlace,
    UnitAssignment,
    Visit,
)
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.pacs_adapters import Json, Outcome


@dataclass(frozen=True, slots=True)
class CredentialFormat:
    """One kind of credential that a PACS takes.

    `normalized` is a value as it is compared, or `None` for what is no value of this format; a format
    without it takes no value: the PACS makes the credential.
    """

    name: str
    description: str
    normalized: Callable[[str], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A holder with all that it holds now."""

    holder: Holder
    credentials: tuple[AccessCredential, ...] = ()
    units: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Order:
    """In whose name, why and when something changes; `message_id` is `""` for what time itself brings."""

    requested_by: str
    at: datetime
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the PACS added.  `told` is shown once and never kept."""

    told: Mapping[str, Json]
    references: Mapping[str, str]
    """What it knows credentials by, by credential id."""
    account: str | None = None
    """The account of the holder, if it has one now."""


NOTHING_SETTLED = Settled({}, {})


class Effects(Protocol):
    """What effective access is in one kind of PACS."""

    def formats(self, place: PacsPlace) -> Mapping[str, CredentialFormat]:
        """The formats of credentials that the PACS takes, by name."""
        ...

    def units(self, place: PacsPlace) -> Sequence[AccessUnit]:
        """The access units that the PACS has, by id."""
        ...

    def unit(self, place: PacsPlace, unit_id: str) -> AccessUnit | None:
        """One of them."""
        ...

    def settle(self, place: PacsPlace, before: Held | None, after: Held | None, order: Order) -> Settled:
        """Make what somebody holds come true, within the transaction that says so.

        `before` is `None` for a new holder, `after` for one that is removed.  Raises `RequestError` or
        `ConflictError` for what cannot be: then nothing has changed.
        """
        ...

    def settled(self) -> None:
        """The transaction is committed: tell whoever waits for it."""
        ...


class AccessStore(Protocol):
    """Identities, visits, credentials and assignments of many places; changes need `together`."""

    def together(self) -> AbstractContextManager[None]:
        """The one transaction in which the changes within are made; the only one that writes."""
        ...

    def executed(self, place: PacsPlace, message_id: str) -> Outcome | None:
        """What a command came to that was carried out before."""
        ...

    def note_executed(self, place: PacsPlace, message_id: str, outcome: Outcome, at: datetime) -> None:
        """Remember what a command came to."""
        ...

    def forget_executed(self, place: PacsPlace, before: datetime) -> int:
        """Forget commands that nobody can send again; returns how many."""
        ...

    def identity(self, place: PacsPlace, identity_id: str) -> Identity | None:
        """One identity."""
        ...

    def identities(self, place: PacsPlace, after: str, limit: int) -> Sequence[Identity]:
        """Identities in the order of their ids, from behind one."""
        ...

    def put_identity(self, place: PacsPlace, identity: Identity) -> None:
        """Keep an identity, in place of one with its id."""
        ...

    def remove_identity(self, place: PacsPlace, identity_id: str) -> None:
        """Forget an identity with its credentials and units."""
        ...

    def visit(self, place: PacsPlace, visit_id: str) -> Visit | None:
        """One visit."""
        ...

    def visits(self, place: PacsPlace, after: str, limit: int) -> Sequence[Visit]:
        """Visits in the order of their ids, from behind one."""
        ...

    def checked_in(self, place: PacsPlace, visitor: str) -> Sequence[Visit]:
        """The visits of somebody that are going on."""
        ...

    def overdue(self, place: PacsPlace, now: datetime) -> Sequence[Visit]:
        """The visits whose end has come while they were planned or going on; the longest overdue first."""
        ...

    def overdue_at(self, scope: TenantScope, now: datetime) -> frozenset[ArchiveName]:
        """The PACSes of a tenant that have such visits, whether they are still configured or not."""
        ...

    def put_visit(self, place: PacsPlace, visit: Visit) -> None:
        """Keep a visit, in place of one with its id."""
        ...

    def holders_by_account(self, place: PacsPlace, account: str) -> Sequence[Holder]:
        """The identities and visits that come in by an account."""
        ...

    def credentials(self, place: PacsPlace, holder: HolderKey) -> Sequence[AccessCredential]:
        """What a holder holds, by id."""
        ...

    def credential_of(self, place: PacsPlace, format_name: str, value: str) -> AccessCredential | None:
        """The credential with this value."""
        ...

    def put_credential(self, place: PacsPlace, credential: AccessCredential) -> None:
        """Keep a credential, in place of one of the same holder with its id."""
        ...

    def remove_credential(self, place: PacsPlace, holder: HolderKey, credential_id: str) -> None:
        """Forget a credential."""
        ...

    def assignments(self, place: PacsPlace, holder: HolderKey) -> Sequence[UnitAssignment]:
        """The units that are or were open to a holder, by id."""
        ...

    def put_assignment(self, place: PacsPlace, assignment: UnitAssignment) -> None:
        """Keep an assignment, in place of one of the same unit to the same holder."""
        ...

    def holders_of(
        self, place: PacsPlace, unit_id: str, kind: HolderKind, after: str, limit: int
    ) -> Sequence[str]:
        """The ids of the holders of a kind to whom a unit is open, in order, from behind one."""
        ...

    def units(self, place: PacsPlace) -> Sequence[AccessUnit]:
        """The catalogue of a PACS that has one of its own, by id."""
        ...

    def put_unit(self, place: PacsPlace, unit: AccessUnit) -> None:
        """Keep a unit of that catalogue, in place of one with its id."""
        ...
