"""What is kept of people: accounts, roles, tokens, sessions, grants.  None of it may be lost."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.grant import Grant
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Attributes
from pacsgate.ports.role_givings import RoleGivings


@dataclass(frozen=True, slots=True)
class UserRecord:
    """An account.  `password_hash` is an argon2id encoded string, or `None` for no password here.

    `source` is the identity source that keeps the account (`""` is the gate itself); what it says of groups
    and attributes is replaced whenever it says it anew.  `starts` is inclusive and `until` exclusive.
    """

    name: str
    kind: str
    display_name: str = ""
    password_hash: str | None = None
    disabled: bool = False
    groups: frozenset[str] = frozenset()
    attributes: Attributes = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    created_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    source: str = ""
    disabled_by: str = ""
    """Of a disabled one: the identity source whose list it was missing from, which may enable it again when
    it returns; empty is an administrator, whose word no source overrides."""
    starts: datetime | None = None
    until: datetime | None = None
    is_locked: bool = False
    """Whether somebody has locked it (`ports.locks`); read with the account, written there alone."""
    locked_until: datetime | None = None
    """When the lock ends by itself (exclusive); `None` is when it is lifted."""
    has_second_factor: bool = False
    """Whether it has a second factor (`ports.factors`); read with the account, written there alone."""
    zones: frozenset[str] | None = None
    """Where door systems say its owner is (`ports.presence`); read with the account, written there alone."""

    def is_live(self, now: datetime) -> bool:
        """Whether somebody may come in as this account at `now` (aware UTC)."""
        if self.disabled or (self.is_locked and (self.locked_until is None or now < self.locked_until)):
            return False
        return (self.starts is None or self.starts <= now) and (self.until is None or now < self.until)


class TokenPurpose(StrEnum):
    """What a token may be used for."""

    BEARER = "bearer"
    """To come in with, as somebody's API token."""
    CLIENT_SECRET = "client-secret"  # noqa: S105 - the name of a purpose
    """To get access tokens with, and for nothing else (RFC 6749 4.4)."""
    ACCESS = "access"
    """To come in with for an hour; made for who has a client secret, and worth nothing without that."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An API token.  The secret is never stored, only its SHA-256; `actions` `None` is no narrowing.

    `parent` is the client secret that an access token was made with: it is revoked with that.
    """

    token_id: str
    user: str
    secret_sha256: bytes
    label: str
    actions: frozenset[Action] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    purpose: TokenPurpose = TokenPurpose.BEARER
    parent: str | None = None
    suspended: bool = False
    """Worth nothing until it is resumed."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A browser session, found by the SHA-256 of its cookie.

    `source` and `source_session` name the session at the identity provider that it was begun by
    (OpenID Connect `sid`, SAML SessionIndex); a logout there ends it here.
    """

    cookie_sha256: bytes
    user: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    csrf_token: str
    authenticated_at: datetime | None = None
    methods: frozenset[str] = frozenset()
    """What was proven, in the words of RFC 8176."""
    assurance_level: int = 1
    second_factor_at: datetime | None = None
    source: str = ""
    source_session: str | None = None
    client_address: str | None = None
    """Where it was begun."""
    user_agent: str = ""
    idle_seconds: int = 900
    """How long it may rest; an absolute end is `expires_at`."""

    def is_going_on(self, now: datetime) -> bool:
        """Whether time has not ended it yet, as far as is kept: the last use is noted a little late."""
        return now < self.expires_at and (now - self.last_seen_at).total_seconds() < self.idle_seconds


def session_public_id(record: SessionRecord) -> str:
    """The public id of a session, for lists and the record: worth nothing by itself."""
    return record.cookie_sha256.hex()[:16]


class Directory(RoleGivings, Protocol):
    """Users, roles, tokens, sessions and grants of one tenant: what may not be lost.

    Lookups that miss return `None`.  Changes raise `NotFoundError` or
    `ConflictError`.  `event` is written to the outbox in the same transaction.

    The users epoch moves with every change to a user, role or token and when a
    session ends, because verified subjects are remembered under it.  It stays
    with `note_sign_in`, `note_token_use`, `touch_session`, `add_session` and
    `add_access_token`, which take nothing away from anybody.  When `note_failure` locks a name, the
    locks epoch moves: passwords are remembered under that one too, and whoever
    guesses at names must not make every process read its policy again.
    """

    def user(self, scope: TenantScope, name: str) -> UserRecord | None:
        """The account of this name."""
        ...

    def stated(self, name: str) -> tuple[TenantScope, str]:
        """Where a name is looked up that somebody states as `tenant/name`, or as a bare one, and as what.

        A name of a tenant that there is not is looked up, counted and recorded whole, in the tenant
        `default`, where no account can bear it: that costs the same, and leaves nothing behind in a
        tenant that somebody may register later.
        """
        ...

    def users(self, scope: TenantScope) -> tuple[UserRecord, ...]:
        """Every account."""
        ...

    def holders(self, scope: TenantScope, role: str) -> tuple[UserRecord, ...]:
        """Every account to which a role is assigned here, somewhere and sometime."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """One transaction for all that this thread reads and writes within, whichever store does it."""
        ...

    def provided(self, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Let this thread change something only after a check, which reads what nobody changes meanwhile.

        What the check raises is raised in place of the first change within, of which nothing is done.
        """
        ...

    def add_user(self, scope: TenantScope, user: UserRecord, event: AuditEvent) -> None:
        """Make an account."""
        ...

    def change_user(
        self, scope: TenantScope, user: UserRecord, event: AuditEvent, *, before: UserRecord | None = None
    ) -> None:
        """Replace an account; given what it was read as `before`, only what is otherwise now.

        So whoever read it a moment ago undoes nothing that somebody else has done since.
        """
        ...

    def remove_user(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove an account with its tokens and sessions."""
        ...

    def use_up_password(self, scope: TenantScope, name: str, password_hash: str, event: AuditEvent) -> bool:
        """Take this password away from an account, once: whether this call was the one that did."""
        ...

    def note_sign_in(self, scope: TenantScope, name: str, at: datetime) -> None:
        """Remember when somebody last signed in."""
        ...

    def roles(self, scope: TenantScope) -> tuple[Role, ...]:
        """The stored roles."""
        ...

    def add_role(self, scope: TenantScope, role: Role, event: AuditEvent) -> None:
        """Make a role."""
        ...

    def change_role(self, scope: TenantScope, role: Role, event: AuditEvent) -> None:
        """Replace a role."""
        ...

    def remove_role(self, scope: TenantScope, name: str, event: AuditEvent) -> None:
        """Remove a role and its assignments."""
        ...

    def token(self, token_id: str) -> tuple[TenantName, TokenRecord] | None:
        """The token with this public id, and its tenant."""
        ...

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """Every token, or those of one user."""
        ...

    def add_token(self, scope: TenantScope, token: TokenRecord, event: AuditEvent) -> None:
        """Keep a new token."""
        ...

    def add_access_token(self, scope: TenantScope, token: TokenRecord) -> bool:
        """Keep a new access token; `False`, and nothing kept, if its parent is not there or revoked."""
        ...

    def revoke_token(self, scope: TenantScope, token_id: str, at: datetime, event: AuditEvent) -> None:
        """End a token, and those that were made with it."""
        ...

    def forget_access_tokens(self, scope: TenantScope, ended_before: datetime) -> int:
        """Forget access tokens that ended before then; returns how many."""
        ...

    def suspend_token(self, scope: TenantScope, token_id: str, event: AuditEvent, *, suspended: bool) -> None:
        """Let a token be worth nothing for a while, or again what it was."""
        ...

    def note_token_use(self, scope: TenantScope, token_id: str, at: datetime) -> None:
        """Remember when a token was last used."""
        ...

    def session(self, cookie_sha256: bytes) -> tuple[TenantName, SessionRecord] | None:
        """The session of a cookie, and its tenant."""
        ...

    def sessions(
        self,
        scope: TenantScope,
        *,
        user: str | None = None,
        source: str | None = None,
        source_session: str | None = None,
    ) -> tuple[SessionRecord, ...]:
        """Every session that is kept, or those of a user, a source, a session there; oldest first."""
        ...

    def add_session(self, scope: TenantScope, session: SessionRecord) -> None:
        """Keep a new session."""
        ...

    def touch_session(self, scope: TenantScope, cookie_sha256: bytes, at: datetime) -> None:
        """Remember that a session was used."""
        ...

    def weaken_session(self, scope: TenantScope, cookie_sha256: bytes) -> None:
        """Let a session have proven one factor and no more."""
        ...

    def end_session(self, scope: TenantScope, cookie_sha256: bytes, event: AuditEvent | None = None) -> None:
        """End one session; one that has ended already stays so."""
        ...

    def replace_session(self, scope: TenantScope, ended: bytes, session: SessionRecord) -> bool:
        """Keep a new session in place of another, at once; `False`, and nothing kept, if that has ended."""
        ...

    def end_sessions_of(self, scope: TenantScope, user: str) -> int:
        """End every session of a user; returns how many."""
        ...

    def forget_sessions(self, scope: TenantScope, *, now: datetime) -> int:
        """Forget sessions that rested twice as long as they may, and those that are over."""
        ...

    def grants(self, scope: TenantScope) -> tuple[Grant, ...]:
        """Every grant, lapsed ones included."""
        ...

    def granted(self, scope: TenantScope) -> tuple[Grant, ...]:
        """What decides: every grant, and for each holding of study permissions the one that it amounts to."""
        ...

    def add_grant(self, scope: TenantScope, grant: Grant, event: AuditEvent) -> None:
        """Keep a new grant."""
        ...

    def revoke_grant(self, scope: TenantScope, grant_id: str, event: AuditEvent) -> None:
        """End a grant."""
        ...

    def failures(self, scope: TenantScope, name: str) -> tuple[int, datetime | None]:
        """Consecutive failed sign-ins for a *claimed* name, existing or not, and when the lock ends."""
        ...

    def note_failure(
        self, scope: TenantScope, name: str, count: int, at: datetime, locked_until: datetime | None
    ) -> None:
        """Count a failure, and lock the name until then."""
        ...

    def forget_failures(self, scope: TenantScope, before: datetime) -> int:
        """Forget those of every name that has neither failed nor been locked since; returns how many."""
        ...

    def clear_failures(self, scope: TenantScope, name: str) -> None:
        """Forget the failures of a name."""
        ...

    def setup_code_sha256(self, scope: TenantScope, now: datetime) -> bytes | None:
        """The hash of the code that is worth the first account, until it expires."""
        ...

    def set_setup_code(self, scope: TenantScope, code_sha256: bytes, expires_at: datetime) -> None:
        """Replace that hash."""
        ...

    def forget_setup_code(self, scope: TenantScope) -> None:
        """End it."""
        ...
