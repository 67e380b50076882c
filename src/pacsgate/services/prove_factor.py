"""Somebody proves a second factor: a code, a passkey, or a code on paper.

The same is asked after a password, and again before what needs a fresh proof (step-up).  A passkey
that verifies its user is two factors by itself, so whoever has one may sign in by it alone: but not past
an identity source.  An account that signs in at a source, and a passkey that was made in a session which a
source began, come in by that source only; whom it has let go, or may give few roles, gains nothing by a key.

What a proof is worth: a code or a touch of a key beside a password is level 2; a key that verified its
user is level 3, unless it may have been copied to other devices.  A later, weaker proof takes the place of
an earlier, stronger one, for both its level and its age are what rules ask about.

Called by the pages; calls the stores of factors and the mechanics in `identity.factors`.

Invariants:
- while there is a lock, every answer is the same, whatever was presented;
- a code, a challenge and a recovery code are worth something once, over all processes;
- every outcome is on record before it is answered.

Standard: NIST SP 800-63B 4; RFC 8176 (methods); OWASP ASVS 5.0 6.3.1, 6.5.1, 6.5.7; WebAuthn Level 3, 7.2.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.claimed_names import NOBODY
from pacsgate.model.context import Context
from pacsgate.model.errors import SealError
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.model.subject import Credential, Subject, SubjectKind
from pacsgate.ports import Accounts, AuthenticationFailed, FailureKind, Trail
from pacsgate.ports.factor_proofs import NamedPasskey, OneTimeCodes, Passkeys, ShownPasskey, Site
from pacsgate.ports.factors import Challenges, FactorKind, FactorRecord, Factors, Sealer
from pacsgate.ports.identity import AttemptLimit, AttemptLock, Guessed
from pacsgate.services.record import Circumstances, actor_of, claimed_actor
from pacsgate.services.recovery_codes import digest_of

ANSWERED_WITHIN = timedelta(minutes=5)
"""How long a browser may take over a challenge."""
CODE_METHODS = frozenset({"otp", "mfa"})

_PURPOSE = "passkey-proof"
_ANYBODY = TenantScope(DEFAULT_TENANT)
"""Where whoever signs in by a passkey alone is asked, before it is known whose it is."""
_REFUSED = AuthenticationFailed(FailureKind.REFUSED)
_UNAVAILABLE = AuthenticationFailed(FailureKind.UNAVAILABLE)

_log = structlog.get_logger("pacsgate.identity")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked; `number` goes back with the answer."""

    number: str
    options: str
    """JSON for `navigator.credentials`."""


@dataclass(frozen=True, slots=True)
class FactorStores:
    """What is kept of factors, and what opens it."""

    factors: Factors
    challenges: Challenges
    sealer: Sealer


def totp_purpose(scope: TenantScope, user: str, factor_id: str) -> str:
    """What the seed of this very factor is sealed for."""
    return f"totp:{scope.tenant}:{user}:{factor_id}"


def handle_of(scope: TenantScope, user: str) -> bytes:
    """What authenticators know an account by; it says nothing of the person."""
    return hashlib.sha256(f"{scope.tenant}\0{user}".encode()).digest()


def proven(subject: Subject, level: int, methods: frozenset[str], at: datetime) -> Subject:
    """The subject with what it has just proven besides."""
    return replace(
        subject,
        assurance_level=level,
        methods=subject.methods | methods,
        second_factor_at=at,
        owes_factor=False,
    )


class ProveFactor:
    """Checks proofs."""

    def __init__(
        self,
        stores: FactorStores,
        accounts: Accounts,
        codes: OneTimeCodes,
        passkeys: Passkeys,
        limit: AttemptLimit,
        trail: Trail,
        sign_in_sources: frozenset[str] = frozenset(),
    ) -> None:
        """`sign_in_sources` are those at which people sign in: nobody gets round one by a passkey alone."""
        self._sign_in_sources = sign_in_sources
        self._factors = stores.factors
        self._challenges = stores.challenges
        self._sealer = stores.sealer
        self._accounts = accounts
        self._codes = codes
        self._passkeys = passkeys
        self._limit = limit
        self._trail = trail

    def kinds(self, subject: Subject) -> frozenset[FactorKind]:
        """What the subject could prove."""
        return frozenset(each.kind for each in self._of(subject))

    def by_code(self, subject: Subject, code: str, context: Context) -> Subject | AuthenticationFailed:
        """A code of an app, or one on paper; which of them, its form tells."""
        scope = TenantScope(subject.tenant)
        lock = self._limit.lock_on(scope, Guessed.FACTOR, subject.name, context.client_address, context.now)
        if lock is not None:
            return self._locked(lock, subject, context)
        try:
            is_right = self._is_right(scope, self._of(subject), code, context.now)
        except SealError as broken:
            _log.error("second factor cannot be checked", error=broken.public, detail=broken.detail)
            self._note(subject, context, "secret-cannot-be-opened")
            return _UNAVAILABLE
        if not is_right:
            return self._failed(scope, subject, context, "wrong-code")
        return self._succeeded(proven(subject, 2, CODE_METHODS, context.now), context)

    def ask_passkey(self, subject: Subject | None, site: Site, context: Context) -> Asked:
        """Challenge the passkeys of somebody, or whichever the browser has."""
        kinds = {FactorKind.PASSKEY}
        known = (
            () if subject is None else [each.factor_id for each in self._of(subject) if each.kind in kinds]
        )
        question = self._passkeys.ask_for_known(site, known, verify_user=subject is None)
        kept = json.dumps(["" if subject is None else subject.name, question.challenge.hex()]).encode()
        scope = _ANYBODY if subject is None else TenantScope(subject.tenant)
        number = self._challenges.ask(scope, _PURPOSE, kept, expires_at=context.now + ANSWERED_WITHIN)
        return Asked(number, question.options)

    def by_passkey(
        self, subject: Subject | None, site: Site, number: str, answer: str, context: Context
    ) -> Subject | AuthenticationFailed:
        """A passkey, beside what was proven before; without a `subject`, by itself."""
        scope = _ANYBODY if subject is None else TenantScope(subject.tenant)
        claimed = None if subject is None else subject.name
        lock = self._limit.lock_on(scope, Guessed.FACTOR, claimed, context.client_address, context.now)
        if lock is not None:
            return self._locked(lock, subject, context)
        challenge = self._challenge(scope, claimed or "", number, context.now)
        named = self._passkeys.named_in(answer)
        found = None if named is None else self._factors.factor(named.credential_id)
        if challenge is None or named is None or found is None or found[1].kind is not FactorKind.PASSKEY:
            return self._failed(scope, subject, context, "unknown-passkey-or-challenge")
        tenant, factor = found
        if subject is None:  # it was asked of nobody, and the passkey says whose it is
            scope = TenantScope(tenant)
        if tenant != scope.tenant or claimed not in {None, factor.user} or not _is_own(named, scope, factor):
            return self._failed(scope, subject, context, "passkey-of-somebody-else")
        shown = self._passkeys.shown(site, challenge, answer, factor.secret, verify_user=subject is None)
        if shown is None or not self._counts_up(scope, factor, shown, context.now):
            cause = "wrong-passkey-answer" if shown is None else "passkey-counter-went-back"
            return self._failed(scope, subject, context, cause, owner=factor.user)
        somebody = subject or self._alone(scope, factor, context.now)
        if isinstance(somebody, str):
            return self._failed(scope, None, context, somebody, owner=factor.user)
        level, methods = _worth(shown)
        return self._succeeded(proven(somebody, level, methods, context.now), context)

    # ---------------------------------------------------------------- what is checked

    def _of(self, subject: Subject) -> Sequence[FactorRecord]:
        return self._factors.factors(TenantScope(subject.tenant), subject.name)

    def _is_right(
        self, scope: TenantScope, factors: Sequence[FactorRecord], code: str, now: datetime
    ) -> bool:
        on_paper = digest_of(code)
        if on_paper is not None:
            kept = [each for each in factors if each.kind is FactorKind.RECOVERY_CODE]
            found = [each for each in kept if hmac.compare_digest(each.secret, on_paper)]
            return any(self._factors.spend(scope, each.factor_id) for each in found)
        return any(
            self._is_code_of(scope, each, code, now) for each in factors if each.kind is FactorKind.TOTP
        )

    def _is_code_of(self, scope: TenantScope, factor: FactorRecord, code: str, now: datetime) -> bool:
        seed = self._sealer.open(factor.secret, totp_purpose(scope, factor.user, factor.factor_id))
        step = self._codes.step_of(seed, code, now, after=factor.counter)
        # Another process may have taken the same code since the factor was read.
        return step is not None and self._factors.advance(
            scope, factor.factor_id, above=step - 1, to=step, at=now
        )

    def _challenge(self, scope: TenantScope, user: str, number: str, now: datetime) -> bytes | None:
        kept = self._challenges.take(scope, _PURPOSE, number, now)
        if kept is None:
            return None
        asked, challenge = json.loads(kept)
        return bytes.fromhex(challenge) if asked == user else None

    def _counts_up(
        self, scope: TenantScope, factor: FactorRecord, shown: ShownPasskey, now: datetime
    ) -> bool:
        """Whether the signature counter is above the last one; authenticators that do not count say 0."""
        above = 0 if shown.counter == 0 else shown.counter - 1
        return self._factors.advance(scope, factor.factor_id, above=above, to=shown.counter, at=now)

    def _alone(self, scope: TenantScope, factor: FactorRecord, now: datetime) -> Subject | str:
        """Whom a passkey lets in by itself, on the word of the gate alone; or why it does not."""
        found = self._accounts.subject(scope, SubjectKind.USER, factor.user, now)
        if found is None:
            return "disabled-user"
        made_on_the_word_of = json.loads(factor.details)["source"]
        if found.source in self._sign_in_sources or made_on_the_word_of:
            return "passkey-of-identity-source"
        return replace(found, credential=Credential.PASSKEY, source="")

    # ---------------------------------------------------------------- what is told

    def _succeeded(self, subject: Subject, context: Context) -> Subject | AuthenticationFailed:
        scope = TenantScope(subject.tenant)
        lock = self._limit.note_success(scope, Guessed.FACTOR, subject.name, context.now)
        if lock is not None:
            return self._locked(lock, subject, context)
        circumstances = Circumstances(context, actor_of(subject, context), subject.tenant)
        details = {"methods": " ".join(sorted(subject.methods)), "level": str(subject.assurance_level)}
        self._trail.record(circumstances.event(EventKind.SIGN_IN, details=details))
        return subject

    def _failed(
        self, scope: TenantScope, subject: Subject | None, context: Context, cause: str, owner: str = ""
    ) -> AuthenticationFailed:
        """Count and record; `owner` is of the passkey that was named where nobody else was.

        That one is not counted against: whoever knows the id of a passkey must not lock its owner out.
        """
        self._note(subject, context, cause, owner, scope)
        name = None if subject is None else subject.name
        lock = self._limit.note_failure(scope, Guessed.FACTOR, name, context.client_address, context.now)
        if lock is not None and lock.is_new:
            circumstances = Circumstances(context, claimed_actor(name or NOBODY, context), scope.tenant)
            details = {"seconds": str(lock.seconds_left)}
            self._trail.record(
                circumstances.event(EventKind.LOCKED_OUT, outcome=Outcome.SERIOUS, details=details)
            )
        return _REFUSED

    def _locked(self, lock: AttemptLock, subject: Subject | None, context: Context) -> AuthenticationFailed:
        self._note(subject, context, "locked-out")
        return AuthenticationFailed(FailureKind.LOCKED_OUT, lock.seconds_left)

    def _note(
        self,
        subject: Subject | None,
        context: Context,
        cause: str,
        owner: str = "",
        scope: TenantScope = _ANYBODY,
    ) -> None:
        if subject is None:
            circumstances = Circumstances(context, claimed_actor(owner or NOBODY, context), scope.tenant)
        else:
            circumstances = Circumstances(context, actor_of(subject, context), subject.tenant)
        details = {"cause": cause}
        self._trail.record(circumstances.event(EventKind.SIGN_IN, outcome=Outcome.SERIOUS, details=details))


def _is_own(named: NamedPasskey, scope: TenantScope, factor: FactorRecord) -> bool:
    """Whether the account that the authenticator says it is for, if it says, is whose passkey this is."""
    return named.user_handle is None or hmac.compare_digest(named.user_handle, handle_of(scope, factor.user))


def _worth(shown: ShownPasskey) -> tuple[int, frozenset[str]]:
    """Level and methods; a key that may be on several devices is no hardware (NIST SP 800-63B)."""
    key = "swk" if shown.is_synced else "hwk"
    if not shown.verified_user:
        return 2, frozenset({key, "mfa"})
    return (2 if shown.is_synced else 3), frozenset({key, "user", "mfa"})
