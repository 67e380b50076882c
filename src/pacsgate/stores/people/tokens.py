"""API tokens: their public id and the SHA-256 of their secret.

Called by `directory`.
"""

from datetime import datetime

from sqlalchemy import exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import TokenRecord
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import api_token


class Tokens(Family):
    """The tokens of `ports.Directory`."""

    def token(self, token_id: str) -> tuple[TenantName, TokenRecord] | None:
        """A token by the id it presents, which also says whose tenant it is of."""
        row = self._one(api_token, api_token.c.token_id == token_id)
        return None if row is None else (TenantName(row.tenant), _record(row))

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """All tokens, or those of one user; revoked ones too."""
        of_user = [] if user is None else [api_token.c.account == user]
        return tuple(
            _record(row) for row in self._all(api_token, api_token.c.tenant == scope.tenant, *of_user)
        )

    def add_token(self, scope: TenantScope, token: TokenRecord, event: AuditEvent) -> None:
        """Keep a new token.  Raises `ConflictError` when its id exists, in whichever tenant."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            if connection.execute(
                select(exists().where(api_token.c.token_id == token.token_id))
            ).scalar_one():
                raise ConflictError(f"token `{token.token_id}` exists already")
            connection.execute(
                insert(api_token).values(
                    tenant=scope.tenant,
                    token_id=token.token_id,
                    account=token.user,
                    secret_sha256=token.secret_sha256,
                    label=token.label,
                    actions=None if token.actions is None else pack_strings(token.actions),
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                    last_used_at=token.last_used_at,
                    revoked_at=token.revoked_at,
                )
            )

    def revoke_token(self, scope: TenantScope, token_id: str, at: datetime, event: AuditEvent) -> None:
        """Let a token end.  Raises `NotFoundError`; a token that was revoked before stays so."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (api_token.c.tenant == scope.tenant) & (api_token.c.token_id == token_id)
            if not connection.execute(select(exists().where(here))).scalar_one():
                raise NotFoundError(f"there is no token `{token_id}`")
            connection.execute(
                update(api_token).where(here, api_token.c.revoked_at.is_(None)).values(revoked_at=at)
            )

    def note_token_use(self, scope: TenantScope, token_id: str, at: datetime) -> None:
        """Remember the last use; no cache holds it."""
        with self._database.writing() as connection:
            connection.execute(
                update(api_token)
                .where(api_token.c.tenant == scope.tenant, api_token.c.token_id == token_id)
                .values(last_used_at=at)
            )


def _record(row: AnyRow) -> TokenRecord:
    return TokenRecord(
        token_id=row.token_id,
        user=row.account,
        secret_sha256=row.secret_sha256,
        label=row.label,
        actions=None
        if row.actions is None
        else frozenset(Action(action) for action in unpack_strings(row.actions)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
