"""A name and a password, from a sign-in page or from HTTP Basic.

A lock is looked for before the password is checked and again afterwards, so
that guesses made in parallel learn nothing that a lock would have kept from
them.  An unknown name costs the same look-ups and the same hash as a known one.

HTTP Basic sends its password with every request.  One that was right is
remembered for a minute under an HMAC whose key lives and dies with this process,
together with the hash it was right for: a changed password is a changed hash,
and what disables or locks a user moves one of the two epochs it is kept under.

Called by `pacsgate.identity.authenticate` (Basic) and, as
`ports.PasswordDoor`, by `pacsgate.services.sign_in`.

Invariants:
- while a name is locked, every password gets the same answer;
- every answer but a remembered one is on record before it is given.

Standard: OWASP ASVS 5.0 6.3.1, 6.3.8.
"""

import hmac
import secrets
from dataclasses import dataclass

from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.lockout import Lock, Lockout
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.password_checks import PasswordChecks, TooManyChecks
from pacsgate.identity.refusals import BUSY_RETRY_SECONDS, Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import subject_of
from pacsgate.model.context import Context
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Clock, Directory, Epochs, UserRecord

REMEMBERED_SECONDS = 60.0
LONGEST_CLAIM = 128
"""Twice what a user may be called: made-up names must not fill the directory or the trail."""


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
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._checks = checks
        self._record = record
        self._latest = latest
        self._lockout = Lockout(directory)
        self._process_key = secrets.token_bytes(32)
        self._remembered: EpochMemory[bytes, _Remembered] = EpochMemory()

    def sign_in(self, name: str, password: str, context: Context) -> Subject | AuthenticationFailed:
        """Verify a name and password and record the outcome."""
        found = self._verify(name, password, context)
        return found.failure if isinstance(found, Refusal) else self._welcome(*found, context)

    def recall(self, name: str, password: str, epochs: Epochs) -> Subject | None:
        """The subject of a password that was right within the last minute, from memory alone."""
        held = self._remembered.get(self._digest(name, password), _epoch(epochs))
        return held.subject if held is not None and self._clock.monotonic() < held.until else None

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
        _, user = found
        subject = self._welcome(*found, context)
        until = self._clock.monotonic() + REMEMBERED_SECONDS
        self._remembered.put(digest, _epoch(epochs), _Remembered(subject, user.password_hash, until))
        return subject

    def _confirm(self, held: _Remembered, context: Context) -> _Remembered | None:
        """What was remembered, renewed from the directory as it is now; `None` if it no longer holds."""
        scope = TenantScope(held.subject.tenant)
        user = self._directory.user(scope, held.subject.name)
        if user is None or user.disabled or user.password_hash != held.password_hash:
            return None
        if self._lockout.lock_on(scope, user.name, self._latest.at(context.now)) is not None:
            return None
        subject = _subject(scope.tenant, user, context)
        return _Remembered(subject, held.password_hash, held.until)

    def _verify(self, name: str, password: str, context: Context) -> tuple[TenantName, UserRecord] | Refusal:
        """The user whose password this is, or the refusal, recorded and counted."""
        if not name.isprintable() or ":" in name:  # no user's has one, and other counts than theirs do
            return self._refuse(Refusal(Cause.UNREADABLE, Credential.PASSWORD), context)
        name = name[:LONGEST_CLAIM]
        tenant = self._directory.tenant_of(name) or DEFAULT_TENANT
        scope = TenantScope(tenant)
        now = self._latest.at(context.now)
        if (lock := self._lockout.lock_on(scope, name, now)) is not None:
            return self._refuse(_locked(tenant, name, lock), context)
        user = self._directory.user(scope, name)
        try:
            matches = self._checks.matches(None if user is None else user.password_hash, password)
        except TooManyChecks:
            busy = Refusal(Cause.BUSY, Credential.PASSWORD, name, None, tenant, BUSY_RETRY_SECONDS)
            return self._refuse(busy, context)
        judged = _judge(user, matches=matches)
        if isinstance(judged, Cause):
            refusal = Refusal(judged, Credential.PASSWORD, name, None, tenant)
            return self._count_failure(refusal, scope, name, context)
        if (lock := self._lockout.note_success(scope, name, now)) is not None:
            return self._refuse(_locked(tenant, name, lock), context)
        return tenant, judged

    def _count_failure(self, refusal: Refusal, scope: TenantScope, name: str, context: Context) -> Refusal:
        lock = self._lockout.note_failure(scope, name, self._latest.at(context.now))
        if lock is None:
            return self._refuse(refusal, context)
        if not lock.is_new:
            return self._refuse(_locked(scope.tenant, name, lock), context)
        self._refuse(refusal, context)
        self._record.locked(refusal, lock.seconds_left, context)
        return refusal

    def _refuse(self, refusal: Refusal, context: Context) -> Refusal:
        self._record.refused(refusal, context)
        return refusal

    def _welcome(self, tenant: TenantName, user: UserRecord, context: Context) -> Subject:
        subject = _subject(tenant, user, context)
        self._record.succeeded(subject, context)
        self._directory.note_sign_in(TenantScope(tenant), user.name, context.now)
        return subject

    def _digest(self, name: str, password: str) -> bytes:
        # The length in front keeps `ab` + `c` apart from `a` + `bc`.
        claimed = f"{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._process_key, claimed, "sha256")


def _epoch(epochs: Epochs) -> int:
    # Both only ever grow, so their sum moves exactly when one of them does.
    return epochs.users + epochs.locks


def _judge(user: UserRecord | None, *, matches: bool) -> UserRecord | Cause:
    if user is None:
        return Cause.UNKNOWN_USER
    if not matches:
        return Cause.WRONG_PASSWORD
    return Cause.DISABLED if user.disabled else user


def _subject(tenant: TenantName, user: UserRecord, context: Context) -> Subject:
    return subject_of(user, tenant, Credential.PASSWORD, authenticated_at=context.now)


def _locked(tenant: TenantName, name: str, lock: Lock) -> Refusal:
    return Refusal(Cause.LOCKED, Credential.PASSWORD, name, None, tenant, lock.seconds_left)
