"""What verifies the requestor of an association.

Standard: PS3.7 D.3.3.7 (User Identity Negotiation); PS3.15 B.4 to B.7, B.12, B.13.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports.assertions import Claims
from pacsgate.ports.identity import AuthenticationFailed


class UserIdentityType(IntEnum):
    """User-Identity-Type of the 58H sub-item."""

    USERNAME = 1
    USERNAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JWT = 5


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """The User Identity sub-item of a request, as it came.  Never logged."""

    kind: int
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)
    wants_response: bool = False


@dataclass(frozen=True, slots=True)
class CalledAe:
    """One AE title under which the gate answers, as the configuration names it."""

    ae_title: str
    account: str | None = None
    """The local account that a requestor without any other identity acts as: one title per ward, say."""
    roles: frozenset[str] = frozenset()
    """Roles that everybody has who came by this title, besides their own."""


@dataclass(frozen=True, slots=True)
class Requestor:
    """What an association request says of whoever makes it, and what the transport proves."""

    calling_ae_title: str
    called: CalledAe
    address: str
    over_tls: bool
    certificate_sha256: str | None = None
    """Of the client certificate that TLS has verified."""
    identity: UserIdentity | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who requests the association."""

    subject: Subject
    remote: RemoteAe | None = None
    """The entry of the calling AE title, if network or certificate prove that it is this AE (or its title is
    enough); beside a user identity too."""
    response: bytes | None = None
    """Content of the 59H sub-item, where one is owed."""
    claims: Claims | None = None
    """What the assertion said, if it was one that let the subject in."""
    proof: bytes | None = None
    """A digest of what the passcode was right for; worth nothing by itself."""


class AssociationDoor(Protocol):
    """Where the requestor of an association becomes a subject."""

    def admit(
        self, scope: TenantScope, requestor: Requestor, context: Context
    ) -> Admitted | AuthenticationFailed:
        """Verify; every refusal costs the same time, is counted and on record before this returns."""
        ...

    def still(
        self, scope: TenantScope, admitted: Admitted, requestor: Requestor, context: Context
    ) -> Subject | None:
        """The subject as it is now, read anew; `None` once it would not be admitted any more.

        Cheap enough to be asked whenever the users or locks epoch has moved.  Nothing is counted and a
        password is not hashed again: it is compared with what it was right for.
        """
        ...
