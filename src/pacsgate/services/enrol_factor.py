"""An account gets a second factor, new recovery codes, or loses one.

A factor counts only once it has been proven: the app has shown a code, the key has answered.  With the
first one come recovery codes, shown once; with the last one they go.

Called by the pages, by the command line and by administrators; nobody but the person can add one.

Invariants:
- a seed is sealed before it is kept, even while it waits to be confirmed;
- an administrator removes factors and never adds any.

Standard: OWASP ASVS 5.0 6.4.4 (loss of a factor), 6.5; WebAuthn Level 3, 7.1.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from pacsgate.audit.events import EventKind
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import EMERGENCY
from pacsgate.ports.factor_proofs import OneTimeCodes, Passkeys, Site
from pacsgate.ports.factors import FactorKind, FactorRecord
from pacsgate.services.administration import Change, Office
from pacsgate.services.prove_factor import Asked, FactorStores, handle_of, totp_purpose
from pacsgate.services.recovery_codes import digest_of, new_codes

CONFIRMED_WITHIN = timedelta(minutes=15)
"""How long somebody may take to fetch their phone."""
AT_MOST = 10
"""Factors of one account besides recovery codes."""
LONGEST_LABEL = 64

_APP = "totp-enrolment"
_PASSKEY = "passkey-enrolment"
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class AppOffer:
    """A seed that waits for its first code; shown once."""

    number: str
    typed: str
    uri: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new factor; `recovery_codes` are there with the first one, and shown once."""

    factor: FactorRecord
    recovery_codes: tuple[str, ...] = ()


class EnrolFactor:
    """Adds and removes second factors."""

    def __init__(self, office: Office, stores: FactorStores, codes: OneTimeCodes, passkeys: Passkeys) -> None:
        self._office = office
        self._factors = stores.factors
        self._challenges = stores.challenges
        self._sealer = stores.sealer
        self._codes = codes
        self._passkeys = passkeys

    def factors(self, scope: TenantScope, user: str) -> tuple[FactorRecord, ...]:
        """Those of an account, recovery codes included.  Raises `NotFoundError` for an unknown one."""
        if self._office.directory.user(scope, user) is None:
            raise NotFoundError(f"there is no user `{user}`")
        return self._factors.factors(scope, user)

    # ---------------------------------------------------------------- authenticator apps

    def offer_app(self, change: Change, user: str) -> AppOffer:
        """A new seed for an app of this account."""
        self._need_room(change.scope, user)
        return self._offer(change, user, secrets.token_urlsafe(_ID_BYTES), self._codes.new_seed())

    def confirm_app(
        self, change: Change, user: str, number: str, code: str, label: str
    ) -> Enrolled | AppOffer:
        """Keep the seed that this code is of; after a wrong code, the same seed once more."""
        kept = self._challenges.take(change.scope, _APP, number, change.at)
        if kept is None:
            raise RequestError("this took too long; begin again")
        owner, factor_id, sealed = json.loads(kept)
        if owner != user:
            raise RequestError("this took too long; begin again")
        seed = self._sealer.open(bytes.fromhex(sealed), totp_purpose(change.scope, user, factor_id))
        step = self._codes.step_of(seed, code, change.at, after=0)
        if step is None:
            return self._offer(change, user, factor_id, seed)
        sealed_anew = self._sealer.seal(seed, totp_purpose(change.scope, user, factor_id))
        factor = FactorRecord(
            factor_id, user, FactorKind.TOTP, _label(label, "Authenticator app"), sealed_anew, change.at, step
        )
        return self._add(change, factor)

    def _offer(self, change: Change, user: str, factor_id: str, seed: bytes) -> AppOffer:
        sealed = self._sealer.seal(seed, totp_purpose(change.scope, user, factor_id))
        kept = json.dumps([user, factor_id, sealed.hex()]).encode()
        number = self._challenges.ask(change.scope, _APP, kept, expires_at=change.at + CONFIRMED_WITHIN)
        return AppOffer(number, self._codes.typed(seed), self._codes.uri(seed, user))

    # ---------------------------------------------------------------- passkeys

    def offer_passkey(self, change: Change, user: str, site: Site) -> Asked:
        """Challenge a browser to make a credential for this account."""
        self._need_room(change.scope, user)
        known = [
            each.factor_id
            for each in self._factors.factors(change.scope, user)
            if each.kind is FactorKind.PASSKEY
        ]
        question = self._passkeys.ask_for_new(site, user, handle_of(change.scope, user), known)
        kept = json.dumps([user, question.challenge.hex()]).encode()
        number = self._challenges.ask(change.scope, _PASSKEY, kept, expires_at=change.at + CONFIRMED_WITHIN)
        return Asked(number, question.options)

    def confirm_passkey(
        self, change: Change, user: str, site: Site, number: str, answer: str, label: str, *, source: str
    ) -> Enrolled:
        """Keep the credential that the browser has made.  Raises `RequestError`.

        `source` is who began the session: a passkey is worth no more than the word it was made on.
        """
        kept = self._challenges.take(change.scope, _PASSKEY, number, change.at)
        owner, challenge = (None, "") if kept is None else json.loads(kept)
        made = self._passkeys.made(site, bytes.fromhex(challenge), answer) if owner == user else None
        if made is None:
            raise RequestError("the browser's answer does not fit this page; begin again")
        details = {
            "rp_id": site.rp_id,
            "source": source,
            "verifies_user": made.verifies_user,
            "synced": made.is_synced,
        }
        factor = FactorRecord(
            made.credential_id,
            user,
            FactorKind.PASSKEY,
            _label(label, "Passkey" if made.is_synced else "Security key"),
            made.public_key,
            change.at,
            made.counter,
            details=json.dumps(details, sort_keys=True),
        )
        return self._add(change, factor)

    # ---------------------------------------------------------------- codes, and farewells

    def new_recovery_codes(self, change: Change, user: str) -> tuple[str, ...]:
        """Codes in place of all earlier ones.  Raises `ConflictError` for an account without a factor."""
        if not _proper(self._factors.factors(change.scope, user)):
            raise ConflictError("recovery codes stand in for a second factor; add one first")
        codes = new_codes()
        event = change.event(EventKind.USER_CHANGED, "recovery codes made", user)
        records = [_paper(change, user, code) for code in codes]
        self._factors.replace_factors(change.scope, user, [FactorKind.RECOVERY_CODE], records, event)
        self._office.publish()
        return codes

    def remove(self, change: Change, user: str, factor_id: str) -> None:
        """Forget one factor, and the recovery codes with the last.  Raises `NotFoundError`."""
        held = _proper(self._factors.factors(change.scope, user))
        found = next((each for each in held if each.factor_id == factor_id), None)
        if found is None:
            raise NotFoundError(f"user `{user}` has no such second factor")
        if len(held) == 1:
            self.remove_all(change, user)
            return
        event = change.event(
            EventKind.USER_CHANGED, "second factor removed", user, factor=found.kind.value, label=found.label
        )
        self._factors.remove_factor(change.scope, user, factor_id, event)
        self._office.publish()

    def remove_all(self, change: Change, user: str) -> int:
        """Forget every factor and code of an account; returns how many factors those were."""
        held = _proper(self.factors(change.scope, user))
        event = change.event(EventKind.USER_CHANGED, "second factors removed", user, count=str(len(held)))
        self._factors.replace_factors(change.scope, user, tuple(FactorKind), (), event)
        self._office.publish()
        return len(held)

    def _add(self, change: Change, factor: FactorRecord) -> Enrolled:
        is_first = not _proper(self._factors.factors(change.scope, factor.user))
        event = change.event(
            EventKind.USER_CHANGED,
            "second factor added",
            factor.user,
            factor=factor.kind.value,
            label=factor.label,
        )
        self._factors.add_factor(change.scope, factor, event)
        self._office.publish()
        return Enrolled(factor, self.new_recovery_codes(change, factor.user) if is_first else ())

    def _need_room(self, scope: TenantScope, user: str) -> None:
        account = self._office.directory.user(scope, user)
        if account is not None and account.source == EMERGENCY:
            raise ConflictError("the sealed account has no second factor: it works once, by its seal alone")
        if len(_proper(self.factors(scope, user))) >= AT_MOST:
            raise ConflictError(f"an account has {AT_MOST} second factors at most; remove one first")


def _proper(factors: tuple[FactorRecord, ...]) -> list[FactorRecord]:
    return [each for each in factors if each.kind is not FactorKind.RECOVERY_CODE]


def _paper(change: Change, user: str, code: str) -> FactorRecord:
    digest = digest_of(code) or b""
    factor_id = secrets.token_urlsafe(_ID_BYTES)
    return FactorRecord(factor_id, user, FactorKind.RECOVERY_CODE, "", digest, change.at)


def _label(written: str, otherwise: str) -> str:
    label = "".join(sign for sign in written.strip() if sign.isprintable())[:LONGEST_LABEL]
    return label or otherwise
