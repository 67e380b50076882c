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
from pacsgate.model.subject import Attributes


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


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine assertion says of a person."""

    issuer: str
    name: str
    expires_at: datetime
    """Aware UTC, exclusive."""
    makes_accounts: bool = False
    """Whether its issuer may speak for people who have no local account."""
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
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
