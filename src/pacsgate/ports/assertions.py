"""Assertions: what somebody else has verified about a person, signed.

A verifier knows one kind of them and the issuers it may believe.  What comes out is about a person
and says nothing about permissions: groups become roles by the assignments of the policy.

Standard: RFC 7519 (JWT); SAML 2.0 Core.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Attributes, SubjectKind


class AssertionFault(StrEnum):
    """What is wrong with an assertion, as the administrator reads it in the trail."""

    UNREADABLE = "unreadable-assertion"
    UNKNOWN_ISSUER = "unknown-issuer"
    KEYS_UNAVAILABLE = "issuer-keys-unavailable"
    BAD_SIGNATURE = "wrong-signature"
    NOT_FOR_US = "assertion-for-somebody-else"
    NOT_YET_VALID = "assertion-not-yet-valid"
    EXPIRED = "expired-assertion"
    NAMELESS = "assertion-names-nobody"
    WRONG_TYPE = "assertion-of-another-type"
    WITHDRAWN = "withdrawn-assertion"
    INCOMPLETE = "claims-left-out"
    """There are more groups than the source tells: who is in them must not pass for who is not."""
    UNWANTED = "required-claim-missing"
    DENIED = "denied-at-source"
    UNKNOWN_PERSON = "unknown-user"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a finding, not a password
    DISABLED = "disabled-user"
    UNAVAILABLE = "source-unavailable"
    """The source cannot be asked."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine assertion says of somebody."""

    issuer: str
    name: str
    """What the account is called, or would be."""
    expires_at: datetime
    """Aware UTC, exclusive."""
    source: str = ""
    """The identity source that says it, as the configuration names it."""
    external_id: str = ""
    """What the source knows them by, whatever they are called (`sub`, NameID); the name where empty."""
    kind: SubjectKind = SubjectKind.USER
    display_name: str = ""
    groups: frozenset[str] | None = None
    """`None` where the source is not asked for groups; empty is nobody's member."""
    attributes: Attributes = field(default_factory=dict)
    methods: frozenset[str] = frozenset()
    """How the source says that it verified them (`amr`), as yet unbelieved."""
    acr: str | None = None
    """The authentication context class that the source says was reached."""
    authenticated_at: datetime | None = None
    """When that was (`auth_time`), where the source tells."""
    scopes: frozenset[str] | None = None
    """What was consented to at most (OAuth `scope`); `None` where scopes are not spoken."""
    context: Attributes = field(default_factory=dict)
    """What the assertion was issued about besides: SMART's launch context (`patient`)."""
    session_id: str | None = None
    """The session at the source (`sid`, SessionIndex): a logout there names it."""
    session_ends_at: datetime | None = None
    """When that session ends in any case (`SessionNotOnOrAfter`), where the source tells."""
    assertion_id: str | None = None
    """Of one that must not be accepted a second time (SAML's bearer assertions); `None` for others."""


class AssertionVerifier(Protocol):
    """Knows one kind of assertion."""

    def verify(self, assertion: bytes, now: datetime) -> Claims | AssertionFault:
        """What it says, if it is genuine, for us, and valid at `now`.  Never raises for what it is given."""
        ...


class UsedAssertions(Protocol):
    """Remembers which assertions were used, for all processes, until they expire."""

    def use(
        self, scope: TenantScope, issuer: str, assertion_id: str, *, expires_at: datetime, now: datetime
    ) -> bool:
        """Note that an assertion is used; whether it is for the first time."""
        ...
