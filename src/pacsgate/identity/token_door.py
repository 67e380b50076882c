"""API tokens, verified: from memory in microseconds, from the directory when anything changed.

Called by `pacsgate.identity.authenticate`.

Invariants:
- a token revoked, expired or of a user who may not come in is refused at the next call;
- a token ends when its owner's account does, and has no more than the owner has;
- a client secret is no token to come in with;
- whether an unknown id or a wrong secret was presented, the caller cannot tell.
"""

from dataclasses import dataclass
from datetime import datetime

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal, what_bars
from pacsgate.identity.subjects import RoleCeilings, is_over, subject_of
from pacsgate.identity.tokens import TokenText
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Clock, Directory, TokenRecord, UserRecord
from pacsgate.ports.directory import TokenPurpose

NOTED_EVERY_SECONDS = 60.0
"""Last use is noted no more often: a list shows minutes, and a write per request would cost milliseconds."""

_NO_HASH = bytes(32)
"""Compared with when the id is unknown, so that the comparison is made all the same."""


@dataclass(frozen=True, slots=True)
class _Held:
    subject: Subject
    secret_sha256: bytes
    note_after: float


class TokenDoor:
    """Verifies API tokens."""

    def __init__(
        self, *, directory: Directory, clock: Clock, latest: LatestTime, ceilings: RoleCeilings
    ) -> None:
        self._directory = directory
        self._ceilings = ceilings
        self._clock = clock
        self._latest = latest
        self._held: EpochMemory[str, _Held] = EpochMemory()

    def recall(self, token: TokenText, epoch: int, context: Context) -> Subject | None:
        """The token's subject from memory alone; `None` also when its use is due to be noted."""
        held = self._held.get(token.token_id, epoch)
        if held is None or self._clock.monotonic() >= held.note_after:
            return None
        if not token.is_secret_of(held.secret_sha256) or is_over(held.subject, self._latest.at(context.now)):
            return None
        return held.subject

    def authenticate(self, token: TokenText, epoch: int, context: Context) -> Subject | Refusal:
        """The token's subject as the directory knows it now."""
        now = self._latest.at(context.now)
        found = self._directory.token(token.token_id)
        genuine = token.is_secret_of(_NO_HASH if found is None else found[1].secret_sha256)
        if found is None or not genuine:
            return Refusal(Cause.UNKNOWN_TOKEN, Credential.TOKEN, credential_id=token.token_id)
        tenant, record = found
        user = self._directory.user(TenantScope(tenant), record.user)
        cause = _what_is_wrong(record, user, now)
        if cause is not None or user is None:
            return Refusal(
                cause or Cause.UNKNOWN_USER, Credential.TOKEN, record.user, record.token_id, tenant
            )
        return self._admit(tenant, record, user, epoch, now)

    def _admit(
        self, tenant: TenantName, record: TokenRecord, user: UserRecord, epoch: int, now: datetime
    ) -> Subject:
        subject = subject_of(
            user,
            tenant,
            Credential.TOKEN,
            credential_id=record.token_id,
            authenticated_at=record.created_at,
            token_actions=record.actions,
            ceilings=self._ceilings,
            ends_at=record.expires_at,
        )
        last = record.last_used_at
        if last is None or (now - last).total_seconds() >= NOTED_EVERY_SECONDS:
            self._directory.note_token_use(TenantScope(tenant), record.token_id, now)
        note_after = self._clock.monotonic() + NOTED_EVERY_SECONDS
        self._held.put(record.token_id, epoch, _Held(subject, record.secret_sha256, note_after))
        return subject


def _what_is_wrong(record: TokenRecord, user: UserRecord | None, now: datetime) -> Cause | None:
    if record.purpose is TokenPurpose.CLIENT_SECRET:
        return Cause.CLIENT_SECRET
    if record.revoked_at is not None or record.suspended:
        return Cause.REVOKED_TOKEN
    if now >= record.expires_at:
        return Cause.EXPIRED_TOKEN
    return what_bars(user, now)
