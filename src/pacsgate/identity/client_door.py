"""A client that is a program: its secret becomes an access token, which is worth an hour.

The secret is 256 random bits, as any API token is; what is slowed down is an address that goes on trying, and
never a client, or everybody could lock agents out.

Called by the token endpoint.

Invariants:
- an access token ends with its secret and its account, and is revoked with either;
- whether a tenant, a client or a secret exists, the caller cannot tell: the answer and its work are the same.

Standard: RFC 6749 4.4; OWASP ASVS 5.0 10.4.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pacsgate.identity.refusals import Cause, Refusal, what_bars
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import NO_SOURCES, RoleCeilings, subject_of
from pacsgate.identity.tokens import TokenText
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.model.tenant_names import read_sign_in_name
from pacsgate.ports import AuthenticationFailed, Directory, TokenMint, TokenRecord, UserRecord
from pacsgate.ports.directory import TokenPurpose
from pacsgate.ports.identity import AttemptLimit, Guessed

VALID_FOR = timedelta(hours=1)

_ANYBODY = TenantScope(DEFAULT_TENANT)
"""Where the failures of addresses are counted, whatever tenant was claimed."""
_NO_HASH = bytes(32)
"""Compared with when the id is unknown, so that the comparison is made all the same."""
_NOBODY = TokenText("", "")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A new access token."""

    text: str
    valid_for: timedelta


class ClientDoor:
    """Gives out access tokens."""

    def __init__(
        self,
        *,
        directory: Directory,
        mint: TokenMint,
        attempts: AttemptLimit,
        record: SignInRecord,
        ceilings: RoleCeilings = NO_SOURCES,
    ) -> None:
        self._directory = directory
        self._mint = mint
        self._attempts = attempts
        self._record = record
        self._ceilings = ceilings

    def access_token(
        self, client_id: str, secret: str, context: Context
    ) -> AccessToken | AuthenticationFailed:
        """An access token for a client `tenant/name`, or `name` of the tenant `default`."""
        now, address = context.now, context.client_address
        lock = self._attempts.lock_on(_ANYBODY, Guessed.CLIENT, None, address, now)
        if lock is not None:
            locked = Refusal(Cause.LOCKED, Credential.TOKEN, client_id, retry_after_seconds=lock.seconds_left)
            self._record.refused(locked, context)
            return locked.failure
        found = self._verified(client_id, secret, now)
        token = found if isinstance(found, Refusal) else self._issued(*found, client_id, context)
        if isinstance(token, Refusal):
            self._record.refused(token, context)
            lock = self._attempts.note_failure(_ANYBODY, Guessed.CLIENT, None, address, now)
            if lock is not None and lock.is_new:
                self._record.locked(token, lock, context)
            return token.failure
        return token

    def _verified(
        self, client_id: str, secret: str, now: datetime
    ) -> tuple[TenantName, TokenRecord, UserRecord] | Refusal:
        tenant, name = read_sign_in_name(client_id)
        token = TokenText.parse(secret) or _NOBODY
        found = self._directory.token(token.token_id)
        genuine = token.is_secret_of(_NO_HASH if found is None else found[1].secret_sha256)
        if (
            found is None
            or not genuine
            or (found[0], found[1].user) != (tenant, name)
            or found[1].purpose is not TokenPurpose.CLIENT_SECRET
        ):
            return Refusal(Cause.NO_CLIENT_SECRET, Credential.TOKEN, client_id)
        record = found[1]
        user = self._directory.user(TenantScope(tenant), name)
        cause = _what_is_wrong(record, user, now)
        if cause is not None or user is None:
            return Refusal(cause or Cause.UNKNOWN_USER, Credential.TOKEN, name, record.token_id, tenant)
        return tenant, record, user

    def _issued(
        self, tenant: TenantName, secret: TokenRecord, user: UserRecord, client_id: str, context: Context
    ) -> AccessToken | Refusal:
        now = context.now
        ends = [now + VALID_FOR, secret.expires_at, *([] if user.until is None else [user.until])]
        minted = self._mint.mint()
        token = TokenRecord(
            token_id=minted.token_id,
            user=user.name,
            secret_sha256=minted.secret_sha256,
            label=secret.label,
            actions=None,
            created_at=now,
            expires_at=min(ends),
            purpose=TokenPurpose.ACCESS,
            parent=secret.token_id,
        )
        subject = subject_of(
            user,
            tenant,
            Credential.TOKEN,
            credential_id=secret.token_id,
            authenticated_at=now,
            ceilings=self._ceilings,
        )
        self._record.succeeded(subject, context)
        if not self._directory.add_access_token(TenantScope(tenant), token):
            return Refusal(Cause.REVOKED_TOKEN, Credential.TOKEN, client_id, secret.token_id, tenant)
        return AccessToken(minted.text, token.expires_at - now)


def _what_is_wrong(secret: TokenRecord, user: UserRecord | None, now: datetime) -> Cause | None:
    if secret.revoked_at is not None or secret.suspended:
        return Cause.REVOKED_TOKEN
    if now >= secret.expires_at:
        return Cause.EXPIRED_TOKEN
    if user is not None and user.kind != SubjectKind.SERVICE:
        return Cause.UNKNOWN_USER
    return what_bars(user, now)
