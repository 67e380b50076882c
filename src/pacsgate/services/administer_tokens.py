"""API tokens: issued for a user with an end, listed without their secret, revoked at once.

Called by the command line and the administration API.

Standard: OWASP ASVS 5.0 6.5; PS3.16 CID 401 (110137).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports import TokenMint, TokenRecord
from pacsgate.services.administration import Change, Office, words

LONGEST_VALIDITY = timedelta(days=90)
"""A token that nobody renews is a token that nobody remembers."""

_LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token and its text, which is never shown again."""

    text: str
    record: TokenRecord


class TokenAdministration:
    """Changes to the API tokens of a tenant."""

    def __init__(self, office: Office, mint: TokenMint) -> None:
        self._office = office
        self._directory = office.directory
        self._mint = mint

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """Every token, or those of one user, whether live or not."""
        return self._directory.tokens(scope, user)

    def issue(
        self,
        change: Change,
        user: str,
        *,
        label: str,
        expires_at: datetime,
        actions: frozenset[Action] | None = None,
    ) -> IssuedToken:
        """Issue a token; `actions` narrows what it can be used for."""
        if self._directory.user(change.scope, user) is None:
            raise NotFoundError(f"no user is called `{user}`")
        if not change.at < expires_at <= change.at + LONGEST_VALIDITY:
            raise RequestError(
                f"a token ends within {LONGEST_VALIDITY.days} days from now, and not in the past"
            )
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
        )
        event = change.event(
            EventKind.USER_CHANGED,
            "token issued",
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
