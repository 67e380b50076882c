"""API tokens: issued for a user with an end, listed without their secret, revoked at once.

Called by the command line, the administration API and the security page.

Invariants:
- a token has no more than its owner has, and ends no later;
- nobody makes tokens with a token, or for more than a source lets them have.

Standard: OWASP ASVS 5.0 6.5; PS3.16 CID 401 (110137).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import EMERGENCY, Credential, SubjectKind
from pacsgate.ports import TokenMint, TokenRecord, UserRecord
from pacsgate.ports.directory import TokenPurpose
from pacsgate.services.administration import Change, Office, words
from pacsgate.services.callers import Caller

LONGEST_VALIDITY = timedelta(days=90)
"""A token that nobody renews is a token that nobody remembers."""

LONGEST_CLIENT_SECRET = timedelta(days=366)
"""An agent behind a firewall is visited once a year."""

_LONGEST_LABEL = 100
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its text, which is never shown again."""

    text: str
    record: TokenRecord


class TokenAdministration:
    """Changes to the API tokens of a tenant."""

    def __init__(self, office: Office, mint: TokenMint, longest: timedelta = LONGEST_VALIDITY) -> None:
        self._longest = min(longest, LONGEST_VALIDITY)
        self._office = office
        self._directory = office.directory
        self._mint = mint

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """Every token, or those of one user, live or not; but for access tokens, which last an hour."""
        found = self._directory.tokens(scope, user)
        return tuple(token for token in found if token.purpose is not TokenPurpose.ACCESS)

    def owner(self, scope: TenantScope, user: str) -> UserRecord:
        """Whose tokens they are.  Raises `NotFoundError`."""
        owner = self._directory.user(scope, user)
        if owner is None:
            raise NotFoundError(f"no user is called `{user}`")
        return owner

    def issue(
        self,
        change: Change,
        user: str,
        *,
        label: str,
        expires_at: datetime,
        actions: frozenset[Action] | None = None,
        purpose: TokenPurpose = TokenPurpose.BEARER,
    ) -> IssuedToken:
        """Issue a token; `actions` narrows what it can be used for.  It ends with its owner's account."""
        owner = self.owner(change.scope, user)
        is_secret = purpose is TokenPurpose.CLIENT_SECRET
        if is_secret and (owner.kind != SubjectKind.SERVICE or actions is not None):
            raise RequestError("a client secret is a service's, and stands for all that the service may do")
        longest = LONGEST_CLIENT_SECRET if is_secret else self._longest
        if owner.source == EMERGENCY:
            raise ConflictError("the sealed account works once and holds no tokens")
        if not change.at < expires_at <= change.at + longest:
            raise RequestError(f"a token ends within {longest / _DAY:g} days from now, and not in the past")
        if owner.until is not None:
            expires_at = min(expires_at, owner.until)
        if expires_at <= change.at:
            raise ConflictError(f"the account of `{user}` has ended, and its tokens with it")
        if not label or len(label) > _LONGEST_LABEL or not label.isprintable():
            raise RequestError(f"a token needs a label of at most {_LONGEST_LABEL} printable characters")
        if actions is not None and not actions:
            raise RequestError("a token that carries no action at all could not be used for anything")
        minted = self._mint.mint()
        record = TokenRecord(
            token_id=minted.token_id,
            user=user,
            secret_sha256=minted.secret_sha256,
            label=label,
            actions=actions,
            created_at=change.at,
            expires_at=expires_at,
            purpose=purpose,
        )
        event = change.event(
            EventKind.USER_CHANGED,
            "client secret issued" if is_secret else "token issued",
            user,
            token=record.token_id,
            label=label,
            actions="all" if actions is None else words(actions),
            expires=expires_at.isoformat(),
        )
        self._directory.add_token(change.scope, record, event)
        self._office.publish()
        return IssuedToken(minted.text, record)

    def revoke(self, change: Change, token_id: str) -> None:
        """Make a token worthless from the next call on."""
        found = self._directory.token(token_id)
        if found is None or found[0] != change.scope.tenant:
            raise NotFoundError(
                f"no token has the id `{token_id}`; `pacsgate token list` shows those that exist"
            )
        _, record = found
        if record.revoked_at is not None:
            raise ConflictError(f"token `{token_id}` was revoked already")
        event = change.event(EventKind.USER_CHANGED, "token revoked", record.user, token=token_id)
        self._directory.revoke_token(change.scope, token_id, change.at, event)
        self._office.publish()


class OwnTokens:
    """The API tokens of whoever asks."""

    def __init__(self, tokens: TokenAdministration) -> None:
        self._tokens = tokens

    def tokens(self, caller: Caller) -> tuple[TokenRecord, ...]:
        """One's own, whether live or not."""
        return self._tokens.tokens(caller.scope, caller.subject.name)

    def issue(
        self,
        caller: Caller,
        *,
        label: str,
        expires_at: datetime,
        actions: frozenset[Action] | None = None,
    ) -> IssuedToken:
        """Issue a token for oneself.  Raises `ConflictError` where that could give more than one has."""
        subject = caller.subject
        if subject.credential is not Credential.SESSION:
            raise ConflictError("a token is made by somebody who has signed in at the pages of the gate")
        owner = self._tokens.owner(caller.scope, subject.name)
        if subject.role_ceiling is not None and subject.source != owner.source:
            raise ConflictError(
                f"`{subject.source}` may give certain roles only, which a token would not be held to: "
                "ask an administrator for one"
            )
        return self._tokens.issue(
            caller.change(), subject.name, label=label, expires_at=expires_at, actions=actions
        )

    def revoke(self, caller: Caller, token_id: str) -> None:
        """Revoke one of one's own.  Raises `NotFoundError` for anything else."""
        if all(token.token_id != token_id for token in self.tokens(caller)):
            raise NotFoundError(f"you have no token with the id `{token_id}`")
        self._tokens.revoke(caller.change(), token_id)
