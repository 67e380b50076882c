"""Who asks: one verified identity, whatever door it came through.

Only `pacsgate.identity` builds a `Subject`, from a credential it has verified.

Standard: assurance levels are those of NIST SP 800-63B.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pacsgate.model.actions import Action
from pacsgate.model.resource import TenantName
from pacsgate.model.role import Assignment

Scalar = str | int | float | bool
"""A value of a policy attribute.  Dates are DICOM dates: strings of eight digits, compared as written."""

Values = frozenset[Scalar]
"""All values that an attribute holds; more than one when the instances of a study disagree."""

Attributes = Mapping[str, Values]
"""Attribute name (without its scope prefix) to values.  A name that is absent is a missing attribute."""


EMERGENCY = "emergency"
"""The source of the sealed account; no configured source may be called so."""


class SubjectKind(StrEnum):
    """What kind of actor a subject is."""

    USER = "user"
    DEVICE = "device"
    SERVICE = "service"


class Credential(StrEnum):
    """How the subject of this request proved who it is."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind of credential
    TOKEN = "token"  # noqa: S105 - likewise
    SESSION = "session"
    ASSERTION = "assertion"
    """A SAML assertion or JSON Web Token of a configured issuer."""
    DEVICE = "device"
    """The calling AE title with the network or certificate that it is bound to."""
    CALLED_AE = "called-ae"
    """Nothing but the AE title that was called, which has an account of its own."""
    CERTIFICATE = "certificate"
    """A client certificate that TLS has verified, here or at a trusted proxy."""
    PASSKEY = "passkey"
    """A WebAuthn credential that verified its user, without a password."""
    LOCAL = "local"
    """The operator at the command line of the installation itself."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A verified identity with its roles, groups and attributes.

    `assignments` are those that the identity source knows; the policy adds its
    own when it works out which roles are in effect.  `token_actions` narrows
    what a scoped API token can do and is `None` for every other credential.

    Identity is the pair of `source` and `name`; one name belongs to one source.
    """

    tenant: TenantName
    name: str
    kind: SubjectKind = SubjectKind.USER
    display_name: str = ""
    assignments: tuple[Assignment, ...] = ()
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
    credential: Credential = Credential.LOCAL
    credential_id: str | None = None
    """Public id of the token or session, for the record; never a secret."""
    authenticated_at: datetime | None = None
    assurance_level: int = 1
    """How strongly the subject was authenticated: 1 by one factor, 2 by two, 3 by a hardware key."""
    methods: frozenset[str] = frozenset()
    """What was proven, in the words of RFC 8176 (`pwd`, `otp`, `hwk`, `user`, `sc`, `mfa`, …)."""
    second_factor_at: datetime | None = None
    """When a second factor was last proven; what is older than a rule wants is proven again (step-up)."""
    owes_factor: bool = False
    """Whether the account has a second factor that this credential should have come with and did not."""
    token_actions: frozenset[Action] | None = None
    token_patient: str | None = None
    """The one patient (PatientID) that a token was issued about, if it holds for that one only."""
    source: str = ""
    """The identity source that speaks for the subject, as the configuration names it; `""` is the gate."""
    role_ceiling: frozenset[str] | None = None
    """The roles that the source may give at most; `None` is no ceiling."""
    zones: frozenset[str] | None = None
    """Where door systems say the person is: none of their zones is off site, `None` that nobody knows."""
    valid_until: datetime | None = None
    """When account or credential ends by itself (exclusive); whoever remembers a subject forgets it then."""
