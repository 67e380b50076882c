"""Identity sources to which a browser is sent, and from which it comes back with an answer.

Used by `services.sign_in_with_source`; implemented by `identity.oidc.door` and `identity.saml.door`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports.identity import AuthenticationFailed


@dataclass(frozen=True, slots=True)
class SentAway:
    """Where a browser goes, and what it keeps meanwhile so that the answer counts in it alone."""

    url: str
    browser_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CameBack:
    """Somebody whom the source has verified, in the browser that was sent."""

    subject: Subject
    return_to: str
    source_session: str | None = None
    """The session at the source, where it names one."""
    ends_at: datetime | None = None
    """When that session ends in any case, where the source tells."""


class BrowserSource(Protocol):
    """One source of this kind."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def scope(self) -> TenantScope:
        """Whose people it signs in."""
        ...

    def send(
        self, return_to: str, browser_secret: str | None, context: Context
    ) -> SentAway | AuthenticationFailed:
        """Begin a sign-in; the secret is the one of this browser, if it was sent away before."""
        ...

    def receive(
        self, answer: Mapping[str, str], browser_secret: str | None, context: Context
    ) -> CameBack | AuthenticationFailed:
        """Verify what a browser came back with, and record the outcome before returning."""
        ...

    def sign_out_url(self) -> str | None:
        """Where a browser ends its session at the source too, if it can."""
        ...

    def signed_out(self, answer: Mapping[str, str], context: Context) -> "SignedOut | None":
        """Whose sessions a message of the source ends; `None`, on record, if the message is not genuine."""
        ...


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Whom a source has signed out: one session of it, or all that an account has by it."""

    source: str
    source_session: str | None = None
    user: str | None = None
