"""What verifies people: passwords, tokens, sessions, and how a refusal is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject, SubjectKind


class FailureKind(StrEnum):
    """Why nobody was verified, as far as the caller may know."""

    NO_CREDENTIAL = "no-credential"
    """The request carries none."""
    REFUSED = "refused"
    """Unknown, wrong, expired, revoked or disabled: all the same to the caller."""
    LOCKED_OUT = "locked-out"
    """The claimed name is locked, whether it exists or not, and whatever the password."""
    BUSY = "busy"
    """Too many passwords are being checked at this moment."""


@dataclass(frozen=True, slots=True)
class AuthenticationFailed:
    """Nobody was verified.  `retry_after_seconds` is set for what time alone will cure."""

    kind: FailureKind
    retry_after_seconds: int | None = None


class PasswordDoor(Protocol):
    """Where a name and a password become a subject, at a sign-in page."""

    def sign_in(self, name: str, password: str, context: Context) -> Subject | AuthenticationFailed:
        """Verify, count failures and record either outcome before returning."""
        ...


class Accounts(Protocol):
    """Local accounts as the subjects they would be if they had just signed in."""

    def subject(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Subject | None:
        """The account of this kind and name; `None` if there is none, or it is disabled."""
        ...

    def after(self, scope: TenantScope, kind: SubjectKind, name: str, at: datetime) -> Iterator[Subject]:
        """Every such account whose name comes after this one, in the order of their names."""
        ...


class ProbeLimit(Protocol):
    """Slows down a subject whose refused stores could tell it of something hidden."""

    def seconds_left(self, scope: TenantScope, name: str, now: datetime) -> int | None:
        """For how long it may not store; `None` if it may."""
        ...

    def note(self, scope: TenantScope, name: str, now: datetime) -> None:
        """Count such a refusal."""
        ...


class Passwords(Protocol):
    """What is done to a new password before it is kept."""

    def refuse_weak(self, password: str, user: str) -> None:
        """Raise `RequestError` with the sentence for whoever chose the password."""
        ...

    def hash(self, password: str) -> str:
        """The encoded hash to keep."""
        ...

    def generate(self) -> str:
        """A random password that is never weak."""
        ...


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A new API token: what its owner is shown once, and what is kept."""

    text: str
    token_id: str
    secret_sha256: bytes


class TokenMint(Protocol):
    """Where API tokens come from."""

    def mint(self) -> MintedToken:
        """Make a new token that nobody holds yet."""
        ...


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A new browser session: the cookie's value is known to the browser only."""

    subject: Subject
    cookie: str
    csrf_token: str
    expires_at: datetime


class Sessions(Protocol):
    """Browser sessions, begun for a verified subject."""

    def begin(self, subject: Subject, at: datetime) -> StartedSession:
        """Begin a session for a subject whose credential has just been verified."""
        ...

    def end(self, cookie: str) -> str | None:
        """End the session, if there is one, and return the name of its user."""
        ...
