"""A name and a password, from a sign-in page or from HTTP Basic.

A lock is looked for before the password is checked and again afterwards, so
that guesses made in parallel learn nothing that a lock would have kept from
them.  An unknown name costs the same look-ups and the same hash as a known one,
and so does a name of an unknown tenant (`Directory.stated`).

HTTP Basic sends its password with every request.  One that was right is
remembered for a minute under an HMAC whose key lives and dies with this process,
together with the hash it was right for: a changed password is a changed hash,
and what disables or locks a user moves one of the two epochs it is kept under.

A password that is kept elsewhere (a directory) is verified there, after the same hash as any other, and
counts, locks and is remembered in the same way.  Where there are directories, every failure waits for one.

The sealed credential of the emergency account opens a sign-in page once, with an alarm, and nothing else.

Called by `pacsgate.identity.authenticate` (Basic) and, as
`ports.PasswordDoor`, by `pacsgate.services.sign_in`.

Invariants:
- while a name is locked, every password gets the same answer;
- every answer but a remembered one is on record before it is given.

Standard: OWASP ASVS 5.0 6.3.1, 6.3.8.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.outside_passwords import OutsidePasswords
from pacsgate.identity.password_checks import PasswordChecks, TooManyChecks
from pacsgate.identity.refusals import BUSY_RETRY_SECONDS, Cause, Refusal, what_bars
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import RoleCeilings, earliest, is_over, subject_of
from pacsgate.model.claimed_names import LONGEST_CLAIM
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.subject import EMERGENCY, Credential, Subject
from pacsgate.ports import AuthenticationFailed, Clock, Directory, Epochs, FailureKind, UserRecord
from pacsgate.ports.identity import AttemptLock, Guessed

REMEMBERED_SECONDS = 60.0
_PROVEN = frozenset({"pwd"})


@dataclass(frozen=True, slots=True)
class _Verified:
    """Whose password it is, and which source vouches for it: the gate itself for those that are kept here."""

    tenant: TenantName
    user: UserRecord
    source: str


@dataclass(frozen=True, slots=True)
class _Remembered:
    subject: Subject
    password_hash: str | None
    until: float


class LocalPasswordDoor:
    """Verifies local users by their password."""

    def __init__(
        self,
        *,
        directory: Directory,
        clock: Clock,
        checks: PasswordChecks,
        record: SignInRecord,
        latest: LatestTime,
        ceilings: RoleCeilings,
        outside: OutsidePasswords | None = None,
    ) -> None:
        self._outside = outside
        self._directory = directory
        self._clock = clock
        self._checks = checks
        self._record = record
        self._latest = latest
        self._ceilings = ceilings
        self._attempts = Attempts(directory)
        self._process_key = secrets.token_bytes(32)
        self._remembered: EpochMemory[bytes, _Remembered] = EpochMemory()

    def sign_in(self, name: str, password: str, context: Context) -> Subject | AuthenticationFailed:
        """Verify a name and password and record the outcome; what is good for once is used up."""
        found = self._verify(name, password, context)
        if isinstance(found, Refusal):
            return found.failure
        if found.source == EMERGENCY and not self._open_seal(found, context):
            refusal = Refusal(Cause.WRONG_PASSWORD, Credential.PASSWORD, found.user.name, None, found.tenant)
            return self._refuse(refusal, context).failure
        return self._welcome(found, context)

    def recall(self, name: str, password: str, epochs: Epochs, context: Context) -> Subject | None:
        """The subject of a password that was right within the last minute, from memory alone."""
        held = self._remembered.get(self._digest(name, password), _epoch(epochs))
        if held is None or self._clock.monotonic() >= held.until:
            return None
        return None if is_over(held.subject, self._latest.at(context.now)) else held.subject

    def authenticate(
        self, name: str, password: str, epochs: Epochs, context: Context
    ) -> Subject | AuthenticationFailed:
        """Verify what HTTP Basic sent, hashing only if it was not right within the last minute."""
        digest = self._digest(name, password)
        held = self._remembered.get_any(digest)
        if held is not None and self._clock.monotonic() < held.until:
            again = self._confirm(held, context)
            if again is not None:
                self._remembered.put(digest, _epoch(epochs), again)
                return again.subject
        found = self._verify(name, password, context)
        if isinstance(found, Refusal):
            return found.failure
        if found.source == EMERGENCY:  # a client that sends it with every request would use it up unseen
            refusal = Refusal(Cause.NEVER_HERE, Credential.PASSWORD, found.user.name, None, found.tenant)
            return self._refuse(refusal, context).failure
        subject = self._welcome(found, context)
        until = self._clock.monotonic() + REMEMBERED_SECONDS
        self._remembered.put(digest, _epoch(epochs), _Remembered(subject, found.user.password_hash, until))
        return subject

    def _confirm(self, held: _Remembered, context: Context) -> _Remembered | None:
        """What was remembered, renewed from the directory as it is now; `None` if it no longer holds."""
        scope = TenantScope(held.subject.tenant)
        user = self._directory.user(scope, held.subject.name)
        now = self._latest.at(context.now)
        if user is None or not user.is_live(now) or user.password_hash != held.password_hash:
            return None
        if self._attempts.lock_on(scope, Guessed.PASSWORD, user.name, None, now) is not None:
            return None
        before = held.subject  # with the source that vouched for it, and until when it did
        believed = replace(user, until=earliest(user.until, before.valid_until))
        subject = self._subject(_Verified(scope.tenant, believed, before.source), context)
        return _Remembered(subject, held.password_hash, held.until)

    def _verify(self, name: str, password: str, context: Context) -> _Verified | Refusal:
        """The user whose password this is, or the refusal, recorded and counted."""
        if not name.isprintable() or ":" in name:  # no user's has one, and other counts than theirs do
            return self._refuse(Refusal(Cause.UNREADABLE, Credential.PASSWORD), context)
        name = name[:LONGEST_CLAIM]
        scope, name = self._directory.stated(name)
        tenant = scope.tenant
        if self._outside is not None:
            name = self._outside.claimed(scope, name)
        now = self._latest.at(context.now)
        lock = self._attempts.lock_on(scope, Guessed.PASSWORD, name, context.client_address, now)
        if lock is not None:
            return self._refuse(_locked(tenant, name, lock), context)
        user = self._directory.user(scope, name)
        try:
            matches = self._checks.matches(None if user is None else user.password_hash, password)
        except TooManyChecks:
            busy = Refusal(Cause.BUSY, Credential.PASSWORD, name, None, tenant, BUSY_RETRY_SECONDS)
            return self._refuse(busy, context)
        if self._outside is not None and self._outside.keeps(scope, user, name):
            judged = self._outside.verify(scope, user, name, password, context)
            source = "" if isinstance(judged, Cause) else judged.source
        else:
            judged = _judge(user, now, matches=matches)
            if isinstance(judged, Cause) and self._outside is not None:
                self._outside.pretend(scope, name, password, context)
            source = EMERGENCY if user is not None and user.source == EMERGENCY else ""
        if isinstance(judged, Cause):
            refusal = Refusal(judged, Credential.PASSWORD, name, None, tenant)
            if judged.kind is FailureKind.UNAVAILABLE:  # nobody has guessed anything
                return self._refuse(refusal, context)
            return self._count_failure(refusal, scope, name, context)
        lock = self._attempts.note_success(scope, Guessed.PASSWORD, name, now)
        if lock is not None:
            return self._refuse(_locked(tenant, name, lock), context)
        return _Verified(tenant, judged, source)

    def _count_failure(self, refusal: Refusal, scope: TenantScope, name: str, context: Context) -> Refusal:
        now = self._latest.at(context.now)
        lock = self._attempts.note_failure(scope, Guessed.PASSWORD, name, context.client_address, now)
        if lock is None:
            return self._refuse(refusal, context)
        if not lock.is_new:
            return self._refuse(_locked(scope.tenant, name, lock), context)
        self._refuse(refusal, context)
        self._record.locked(refusal, lock, context)
        return refusal

    def _refuse(self, refusal: Refusal, context: Context) -> Refusal:
        self._record.refused(refusal, context)
        return refusal

    def _welcome(self, found: _Verified, context: Context) -> Subject:
        subject = self._subject(found, context)
        self._record.succeeded(subject, context)
        self._directory.note_sign_in(TenantScope(found.tenant), subject.name, context.now)
        return subject

    def _open_seal(self, found: _Verified, context: Context) -> bool:
        """Use the sealed credential up, once for all processes, in one transaction with its alarm."""
        user = found.user
        alarm = self._record.emergency(found.tenant, user.name, context)
        return user.password_hash is not None and self._directory.use_up_password(
            TenantScope(found.tenant), user.name, user.password_hash, alarm
        )

    def _subject(self, found: _Verified, context: Context) -> Subject:
        return subject_of(
            found.user,
            found.tenant,
            Credential.PASSWORD,
            authenticated_at=context.now,
            methods=_PROVEN,
            source=found.source,
            ceilings=self._ceilings,
        )

    def _digest(self, name: str, password: str) -> bytes:
        # The length in front keeps `ab` + `c` apart from `a` + `bc`.
        claimed = f"{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._process_key, claimed, "sha256")


def _epoch(epochs: Epochs) -> int:
    # Both only ever grow, so their sum moves exactly when one of them does.
    return epochs.users + epochs.locks


def _judge(user: UserRecord | None, now: datetime, *, matches: bool) -> UserRecord | Cause:
    if user is None:
        return Cause.UNKNOWN_USER
    if not matches:
        return Cause.WRONG_PASSWORD
    return what_bars(user, now) or user


def _locked(tenant: TenantName, name: str, lock: AttemptLock) -> Refusal:
    return Refusal(Cause.LOCKED, Credential.PASSWORD, name, None, tenant, lock.seconds_left)
