"""Sessions, API tokens, codes and second factors, as `/api/v1` reads and tells them.

Called by the routers about one's own and about others'.

Invariants:
- a secret is told once, to whoever made it, and is in no list.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.instants import Instant
from pacsgate.model.actions import Action
from pacsgate.ports import TokenRecord
from pacsgate.ports.factors import FactorKind, FactorRecord
from pacsgate.services.administer_sessions import ListedSession
from pacsgate.services.administer_tokens import IssuedToken

SessionId = Annotated[str, Path(description="The public id of a session.", min_length=1, max_length=64)]
TokenId = Annotated[str, Path(description="The public id of a token.", min_length=1, max_length=64)]


class SessionTold(BaseModel):
    """One browser session."""

    session_id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client_address: str | None
    user_agent: str
    source: str
    assurance_level: int
    is_this: bool = Field(description="Whether the one who asks came with it.")

    @classmethod
    def of(cls, listed: ListedSession) -> "SessionTold":
        """As it is told."""
        record = listed.record
        return cls(
            session_id=listed.public_id,
            created_at=record.created_at,
            last_seen_at=record.last_seen_at,
            expires_at=record.expires_at,
            client_address=record.client_address,
            user_agent=record.user_agent,
            source=record.source,
            assurance_level=record.assurance_level,
            is_this=listed.is_this,
        )


class SessionList(BaseModel):
    """Sessions; the one used last comes first."""

    sessions: list[SessionTold]


class Ended(BaseModel):
    """How many sessions were ended."""

    ended: int


class ResetCodeTold(BaseModel):
    """A code that is worth one password, until it expires."""

    name: str
    code: str
    expires_at: datetime


class FactorTold(BaseModel):
    """One second factor, without its secret."""

    factor_id: str
    kind: FactorKind
    label: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, factor: FactorRecord) -> "FactorTold":
        """As it is told."""
        return cls(
            factor_id=factor.factor_id,
            kind=factor.kind,
            label=factor.label,
            created_at=factor.created_at,
            last_used_at=factor.last_used_at,
        )


class FactorList(BaseModel):
    """Second factors, oldest first; recovery codes are among them, one each."""

    factors: list[FactorTold]


class Removed(BaseModel):
    """How many second factors were removed."""

    removed: int


class NewToken(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=100)]
    expires_at: Instant
    actions: Annotated[list[Action], Field(min_length=1)] | None = Field(
        default=None, description="What it can be used for; all that its owner may, if left out."
    )

    def narrowed(self) -> frozenset[Action] | None:
        """The actions that it carries."""
        return None if self.actions is None else frozenset(self.actions)


class TokenTold(BaseModel):
    """One token, without its secret."""

    token_id: str
    user: str
    label: str
    actions: list[Action] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: TokenRecord) -> "TokenTold":
        """As it is told."""
        return cls(
            token_id=token.token_id,
            user=token.user,
            label=token.label,
            actions=None if token.actions is None else sorted(token.actions),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )


class TokenIssued(BaseModel):
    """A new token with its text, which is never told again."""

    token: str
    issued: TokenTold

    @classmethod
    def of(cls, issued: IssuedToken) -> "TokenIssued":
        """As it is told, once."""
        return cls(token=issued.text, issued=TokenTold.of(issued.record))


class TokenList(BaseModel):
    """Tokens, revoked and lapsed ones included."""

    tokens: list[TokenTold]
