"""The session cookie, verified: idle by this process's own clock, and by the directory's across processes.

Within a process a session's last use is known to the request and measured on the
monotonic clock.  Other processes and the next start see what the directory holds,
which is brought up to date at most once a minute; a browser that moves between
processes may therefore be taken as idle up to a minute early, never late.

Called by `pacsgate.identity.authenticate`.

Invariants:
- activity never moves the absolute limit.
"""

from dataclasses import dataclass
from datetime import datetime

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sessions import IDLE_LIMIT, cookie_digest
from pacsgate.identity.subjects import subject_of
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Clock, Directory, SessionRecord, UserRecord

TOUCHED_EVERY_SECONDS = 60.0

_PUBLIC_ID_DIGITS = 16


@dataclass(slots=True)
class _Held:
    subject: Subject
    expires_at: datetime
    noted_at: datetime
    touch_after: float
    last_seen: float


class SessionDoor:
    """Verifies session cookies."""

    def __init__(self, *, directory: Directory, clock: Clock, latest: LatestTime) -> None:
        self._directory = directory
        self._clock = clock
        self._latest = latest
        self._held: EpochMemory[bytes, _Held] = EpochMemory()

    def recall(self, cookie: str, epoch: int, context: Context) -> Subject | None:
        """The session's subject from memory alone; `None` also when its use is due to be noted."""
        held = self._held.get(cookie_digest(cookie), epoch)
        now = self._clock.monotonic()
        if held is None or now >= held.touch_after or self._latest.at(context.now) >= held.expires_at:
            return None
        held.last_seen = now
        return held.subject

    def authenticate(self, cookie: str, epoch: int, context: Context) -> Subject | Refusal:
        """The session's subject as the directory knows it now."""
        digest = cookie_digest(cookie)
        found = self._directory.session(digest)
        if found is None:
            return Refusal(Cause.UNKNOWN_SESSION, Credential.SESSION)
        tenant, record = found
        user = self._directory.user(TenantScope(tenant), record.user)
        now = self._latest.at(context.now)
        idle_seconds = self._idle_seconds(digest, record, now)
        cause = _what_is_wrong(record, user, now, idle_seconds)
        if cause is not None or user is None:
            self._directory.end_session(TenantScope(tenant), digest)
            return Refusal(
                cause or Cause.UNKNOWN_USER, Credential.SESSION, record.user, _public_id(digest), tenant
            )
        return self._admit(tenant, record, user, epoch, now)

    def _idle_seconds(self, digest: bytes, record: SessionRecord, now: datetime) -> float:
        """Since the last use that anybody knows of.

        On the monotonic clock, unless another process has told the directory of
        a use since this one last did.
        """
        held = self._held.get_any(digest)
        if held is not None and record.last_seen_at <= held.noted_at:
            return self._clock.monotonic() - held.last_seen
        return (now - record.last_seen_at).total_seconds()

    def _admit(
        self, tenant: TenantName, record: SessionRecord, user: UserRecord, epoch: int, now: datetime
    ) -> Subject:
        subject = subject_of(
            user,
            tenant,
            Credential.SESSION,
            credential_id=_public_id(record.cookie_sha256),
            authenticated_at=record.created_at,
        )
        noted_at = record.last_seen_at
        if (now - noted_at).total_seconds() >= TOUCHED_EVERY_SECONDS:
            self._directory.touch_session(TenantScope(tenant), record.cookie_sha256, now)
            noted_at = now
        monotonic = self._clock.monotonic()
        held = _Held(subject, record.expires_at, noted_at, monotonic + TOUCHED_EVERY_SECONDS, monotonic)
        self._held.put(record.cookie_sha256, epoch, held)
        return subject


def _what_is_wrong(
    record: SessionRecord, user: UserRecord | None, now: datetime, idle_seconds: float
) -> Cause | None:
    if now >= record.expires_at or idle_seconds >= IDLE_LIMIT.total_seconds():
        return Cause.ENDED_SESSION
    if user is None:
        return Cause.UNKNOWN_USER
    return Cause.DISABLED if user.disabled else None


def _public_id(digest: bytes) -> str:
    return digest.hex()[:_PUBLIC_ID_DIGITS]
