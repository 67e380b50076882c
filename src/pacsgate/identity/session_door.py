"""The session cookie, verified: idle by this process's own clock, and by the directory's across processes.

Within a process a session's last use is known to the request and measured on the
monotonic clock.  Other processes and the next start see what the directory holds,
which is brought up to date at most once a minute; a browser that moves between
processes may therefore be taken as idle up to a minute early, never late.

How long a session may rest stands in its row, taken from the limits of its user's roles when it
began.  Whatever was proven then is what the subject holds now.

Called by `pacsgate.identity.authenticate`.

Invariants:
- activity never moves the absolute limit;
- a session begun by a source that is not configured any more is over.
"""

from dataclasses import dataclass
from datetime import datetime

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal, what_bars
from pacsgate.identity.sessions import cookie_digest
from pacsgate.identity.subjects import RoleCeilings, is_over, subject_of
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import EMERGENCY, Credential, Subject
from pacsgate.ports import Clock, Directory, SessionRecord, UserRecord, session_public_id

TOUCHED_EVERY_SECONDS = 60.0
_ADDRESSES = 8
"""So many are remembered of one session: a browser may use several, behind a proxy of several machines."""


@dataclass(slots=True)
class _Held:
    subject: Subject
    noted_at: datetime
    touch_after: float
    last_seen: float
    addresses: frozenset[str | None]
    """From where it came since it was last looked at: a cookie at a new address is verified anew."""


class SessionDoor:
    """Verifies session cookies."""

    def __init__(
        self, *, directory: Directory, clock: Clock, latest: LatestTime, ceilings: RoleCeilings
    ) -> None:
        self._directory = directory
        self._ceilings = ceilings
        self._clock = clock
        self._latest = latest
        self._held: EpochMemory[bytes, _Held] = EpochMemory()

    def recall(self, cookie: str, epoch: int, context: Context) -> Subject | None:
        """The session's subject from memory alone; `None` also when its use is due to be noted."""
        held = self._held.get(cookie_digest(cookie), epoch)
        now = self._clock.monotonic()
        if held is None or now >= held.touch_after or context.client_address not in held.addresses:
            return None
        if is_over(held.subject, self._latest.at(context.now)):
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
        cause = self._what_is_wrong(record, user, now, idle_seconds)
        if cause is not None or user is None:
            self._directory.end_session(TenantScope(tenant), digest)
            return Refusal(
                cause or Cause.UNKNOWN_USER,
                Credential.SESSION,
                record.user,
                session_public_id(record),
                tenant,
            )
        return self._admit(tenant, record, user, epoch, context)

    def _idle_seconds(self, digest: bytes, record: SessionRecord, now: datetime) -> float:
        """Since the last use that anybody knows of.

        On the monotonic clock, unless another process has told the directory of
        a use since this one last did.
        """
        held = self._held.get_any(digest)
        if held is not None and record.last_seen_at <= held.noted_at:
            return self._clock.monotonic() - held.last_seen
        return (now - record.last_seen_at).total_seconds()

    def _what_is_wrong(
        self, record: SessionRecord, user: UserRecord | None, now: datetime, idle_seconds: float
    ) -> Cause | None:
        if now >= record.expires_at or idle_seconds >= record.idle_seconds:
            return Cause.ENDED_SESSION
        if record.source not in {"", EMERGENCY, *self._ceilings}:
            return Cause.UNKNOWN_SOURCE
        return what_bars(user, now)

    def _admit(
        self, tenant: TenantName, record: SessionRecord, user: UserRecord, epoch: int, context: Context
    ) -> Subject:
        subject = subject_of(
            user,
            tenant,
            Credential.SESSION,
            credential_id=session_public_id(record),
            authenticated_at=record.authenticated_at or record.created_at,
            methods=record.methods,
            assurance_level=record.assurance_level,
            second_factor_at=record.second_factor_at,
            source=record.source,
            ceilings=self._ceilings,
            ends_at=record.expires_at,
        )
        now, noted_at = self._latest.at(context.now), record.last_seen_at
        # What may rest for less than two minutes is noted and looked at sooner.
        touched_every = min(TOUCHED_EVERY_SECONDS, record.idle_seconds / 2)
        if (now - noted_at).total_seconds() >= touched_every:
            self._directory.touch_session(TenantScope(tenant), record.cookie_sha256, now)
            noted_at = now
        monotonic = self._clock.monotonic()
        before = self._held.get(record.cookie_sha256, epoch)
        addresses = frozenset({context.client_address})
        if before is not None and monotonic < before.touch_after and len(before.addresses) < _ADDRESSES:
            addresses |= before.addresses
        held = _Held(subject, noted_at, monotonic + touched_every, monotonic, addresses)
        self._held.put(record.cookie_sha256, epoch, held)
        return subject
