"""What verifies people: passwords, tokens, sessions, and how a refusal is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.session_limits import SessionLimits
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
    UNAVAILABLE = "unavailable"
    """The source that knows whoever this may be cannot be asked."""


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
        """The account of this kind and name; `None` if there is none, or nobody may come in as it."""
        ...

    def named(self, scope: TenantScope, name: str, at: datetime) -> Subject | None:
        """The account of this name, of whichever kind; `None` as above."""
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


class Guessed(StrEnum):
    """What somebody guesses at.  Each has a count of its own for a name, so that getting one right does not
    forgive the failures at another: whoever knows a password may not go on guessing codes.
    """

    PASSWORD = "password"  # noqa: S105 - the name of what is guessed
    FACTOR = "factor"
    """The code or the signature of a second factor."""
    CODE = "code"
    """A reset code or an invitation, which names nobody."""
    SOURCE = "source"
    """The answer of an identity source: OpenID Connect callbacks, SAML responses, client certificates."""
    CLIENT = "client"
    """A client secret, for an access token."""


@dataclass(frozen=True, slots=True)
class AttemptLock:
    """Nobody may try for this many more seconds.  `is_new` if the failure just counted brought it."""

    seconds_left: int
    is_new: bool = False
    of_address: bool = False
    """Whether it is where it comes from that is locked, and not a name."""


class AttemptLimit(Protocol):
    """Slows down guessing: by the name that is claimed, whether it exists or not, and by where it comes from.

    Ask `lock_on` before looking at what was presented, and tell of the outcome afterwards; while there is a
    lock, every answer is the same.  `name` is `None` where nobody is named yet.
    """

    def lock_on(
        self, scope: TenantScope, guessed: Guessed, name: str | None, address: str | None, now: datetime
    ) -> AttemptLock | None:
        """The lock that stands in the way, if any."""
        ...

    def note_failure(
        self, scope: TenantScope, guessed: Guessed, name: str | None, address: str | None, now: datetime
    ) -> AttemptLock | None:
        """Count a failure, and return the lock that stands now."""
        ...

    def note_success(
        self, scope: TenantScope, guessed: Guessed, name: str, now: datetime
    ) -> AttemptLock | None:
        """Forget the failures of a name, unless a lock fell meanwhile: then it is returned."""
        ...


@dataclass(frozen=True, slots=True)
class SessionOrigin:
    """Where a session comes from, for lists and for logouts elsewhere."""

    client_address: str | None = None
    user_agent: str = ""
    source_session: str | None = None
    """The session at the identity provider that it was begun by."""


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A new browser session: the cookie's value is known to the browser only."""

    subject: Subject
    cookie: str
    csrf_token: str
    expires_at: datetime
    others_ended: int = 0
    """How many older sessions ended because there were too many."""


class Sessions(Protocol):
    """Browser sessions, begun for a verified subject."""

    def begin(
        self, subject: Subject, at: datetime, *, origin: SessionOrigin, limits: SessionLimits
    ) -> StartedSession:
        """Begin a session for a subject whose credential has just been verified."""
        ...

    def strengthen(
        self, subject: Subject, at: datetime, *, cookie: str, origin: SessionOrigin
    ) -> StartedSession | None:
        """A new session in place of the subject's own one, with what has been proven besides.

        It ends when the old one would have; `None` when the old one has ended or is somebody else's.
        """
        ...

    def end(self, cookie: str) -> str | None:
        """End the session, if there is one, and return the name of its user."""
        ...
