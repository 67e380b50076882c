"""API tokens: their public id and the SHA-256 of their secret.

Called by `directory`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import TokenRecord
from pacsgate.ports.directory import TokenPurpose
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.columns import AnyRow
from pacsgate.stores.packing import pack_strings, unpack_strings
from pacsgate.stores.people.table import Family
from pacsgate.stores.people_schema import api_token
from pacsgate.stores.tenant_wall import ANY_TENANT


class Tokens(Family):
    """The tokens of `ports.Directory`."""

    def token(self, token_id: str) -> tuple[TenantName, TokenRecord] | None:
        """A token by the id it presents, which also says whose tenant it is of."""
        row = self._one(ANY_TENANT, api_token, api_token.c.token_id == token_id)
        return None if row is None else (TenantName(row.tenant), _record(row))

    def tokens(self, scope: TenantScope, user: str | None = None) -> tuple[TokenRecord, ...]:
        """All tokens, or those of one user; revoked ones too."""
        of_user = [] if user is None else [api_token.c.account == user]
        return tuple(
            _record(row)
            for row in self._all(scope.tenant, api_token, api_token.c.tenant == scope.tenant, *of_user)
        )

    def add_token(self, scope: TenantScope, token: TokenRecord, event: AuditEvent) -> None:
        """Keep a new token.  Raises `ConflictError` when its id exists, in whichever tenant."""
        with self._database.together():
            if self.token(token.token_id) is not None:
                raise ConflictError(f"token `{token.token_id}` exists already")
            with change(self._database, scope.tenant, Topic.USERS, event) as connection:
                connection.execute(insert(api_token).values(_columns(scope, token)))

    def add_access_token(self, scope: TenantScope, token: TokenRecord) -> bool:
        """Keep a new access token, without an epoch: nobody remembers of a token that it is not there."""
        with self._database.writing(scope.tenant) as connection:
            live = (
                (api_token.c.tenant == scope.tenant)
                & (api_token.c.token_id == token.parent)
                & api_token.c.revoked_at.is_(None)
                & ~api_token.c.suspended
            )
            if not connection.execute(select(exists().where(live))).scalar_one():
                return False
            connection.execute(insert(api_token).values(_columns(scope, token)))
            return True

    def forget_access_tokens(self, scope: TenantScope, ended_before: datetime) -> int:
        """Forget access tokens that ended before then."""
        return self._forget(
            scope.tenant,
            api_token,
            api_token.c.tenant == scope.tenant,
            api_token.c.purpose == TokenPurpose.ACCESS.value,
            api_token.c.expires_at < ended_before,
        )

    def revoke_token(self, scope: TenantScope, token_id: str, at: datetime, event: AuditEvent) -> None:
        """Let a token end, with those made with it.  Raises `NotFoundError`; one revoked before stays so."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            here = (api_token.c.tenant == scope.tenant) & (api_token.c.token_id == token_id)
            if not connection.execute(select(exists().where(here))).scalar_one():
                raise NotFoundError(f"there is no token `{token_id}`")
            made_with_it = (api_token.c.tenant == scope.tenant) & (api_token.c.parent == token_id)
            connection.execute(
                update(api_token)
                .where(here | made_with_it, api_token.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )

    def suspend_token(self, scope: TenantScope, token_id: str, event: AuditEvent, *, suspended: bool) -> None:
        """Suspend or resume a token, with those made with it.  Raises `NotFoundError`."""
        with change(self._database, scope.tenant, Topic.USERS, event) as connection:
            named = (api_token.c.token_id == token_id) | (api_token.c.parent == token_id)
            here = (api_token.c.tenant == scope.tenant) & named
            if not connection.execute(update(api_token).where(here).values(suspended=suspended)).rowcount:
                raise NotFoundError(f"there is no token `{token_id}`")

    def note_token_use(self, scope: TenantScope, token_id: str, at: datetime) -> None:
        """Remember the last use; no cache holds it."""
        with self._database.writing(scope.tenant) as connection:
            connection.execute(
                update(api_token)
                .where(api_token.c.tenant == scope.tenant, api_token.c.token_id == token_id)
                .values(last_used_at=at)
            )


def _columns(scope: TenantScope, token: TokenRecord) -> dict[str, Any]:
    return {
        "tenant": scope.tenant,
        "token_id": token.token_id,
        "account": token.user,
        "secret_sha256": token.secret_sha256,
        "label": token.label,
        "actions": None if token.actions is None else pack_strings(token.actions),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
        "purpose": token.purpose.value,
        "parent": token.parent,
        "suspended": token.suspended,
    }


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
        purpose=TokenPurpose(row.purpose),
        parent=row.parent,
        suspended=row.suspended,
    )
