"""Identity sources: who else knows people, and what each can say of them.

A source is what the configuration lists under `identity` and names.  Whatever kind it is, what it
verifies comes out as `Claims` (see `assertions`), and one place turns claims into an account and a
subject, so that every source is held to the same rules.  A source that keeps a list of its people
also tells accounts, for reconciliation.

Used by `identity`; implemented there, one package for each kind (OpenID Connect, certificates,
LDAP, SAML); the contract suite is `tests/contracts/test_identity_sources.py`.

Invariants:
- a source that cannot be asked says so (`UNAVAILABLE`) and lets nobody in;
- nothing that a caller sends makes a source raise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Attributes
from pacsgate.ports.assertions import AssertionFault, Claims


class PasswordSource(Protocol):
    """Verifies a name and a password that are not kept here (LDAP, Active Directory)."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def verify(self, name: str, password: str, now: datetime) -> Claims | AssertionFault:
        """What the source says of whoever this password belongs to.  An empty password is never right."""
        ...


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """One person as a source lists them."""

    external_id: str
    """What the source knows the person by, whatever they are called (entryUUID, SCIM id, employee number)."""
    name: str
    display_name: str = ""
    active: bool = True
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
    starts: datetime | None = None
    until: datetime | None = None


class AccountList(Protocol):
    """A source that can list everybody it knows."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def accounts(self) -> Iterator[SourceAccount]:
        """Everybody.  Raises `UnavailableError` when the list cannot be had whole."""
        ...


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """Which account stands for a person of a source: identity is source and id there, never a name."""

    source: str
    external_id: str
    user: str
    linked_at: datetime


class IdentityLinks(Protocol):
    """Which person of which source is which account."""

    def linked(self, scope: TenantScope, source: str, external_id: str) -> IdentityLink | None:
        """The link of this person."""
        ...

    def links(
        self, scope: TenantScope, *, source: str | None = None, user: str | None = None
    ) -> tuple[IdentityLink, ...]:
        """Every link, of one source or one account if named."""
        ...

    def link(self, scope: TenantScope, link: IdentityLink, event: AuditEvent | None = None) -> None:
        """Keep a link.  Raises `ConflictError` when the person is linked already, or the account to another
        person of the same source.
        """
        ...

    def unlink(
        self, scope: TenantScope, source: str, external_id: str, event: AuditEvent | None = None
    ) -> None:
        """Forget a link.  Raises `NotFoundError`.  Moves the users epoch."""
        ...
