"""Tokens of issuers in HTTP requests, verified: signed ones here, opaque ones by their issuer.

A token is verified once and its claims are remembered for a few minutes; whom they stand for is
remembered under the users epoch, and looked up again when that moves.  So the way of most requests is
one look into memory: no signature, no database, no network.

Called by `pacsgate.identity.authenticate`.

Invariants:
- nothing is remembered past the end of the token, and no answer of an issuer for longer than half a minute;
- while an issuer cannot be asked, what only it can answer is refused.

Standard: RFC 6750; RFC 9068; RFC 7662; IHE ITI-72.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import is_over
from pacsgate.model.claimed_names import recordable
from pacsgate.model.context import Context
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Clock
from pacsgate.ports.assertions import AssertionFault, AssertionVerifier, Claims

VERIFIED_SECONDS = 300.0
"""How long the signature of a token counts, and so a key that its issuer has withdrawn."""
ASKED_SECONDS = 30.0
"""How long the answer of an issuer about an opaque token counts."""

_SEGMENTS = 3


class TokenIntrospection(Protocol):
    """Somebody who knows what opaque tokens say."""

    def introspect(self, token: str, now: datetime) -> Claims | AssertionFault:
        """What it says, if it is active and for us.  Asks over the network."""
        ...


class NoIntrospection:
    """Knows no opaque token."""

    def introspect(self, token: str, now: datetime) -> Claims | AssertionFault:  # noqa: ARG002 - the port's
        """Nobody vouches for it."""
        return AssertionFault.UNKNOWN_ISSUER


@dataclass(frozen=True, slots=True)
class _Verified:
    claims: Claims
    until: float


@dataclass(frozen=True, slots=True)
class _Held:
    subject: Subject
    until: float


class BearerDoor:
    """Verifies tokens of issuers."""

    def __init__(
        self,
        *,
        accounts: FederatedAccounts,
        tokens: AssertionVerifier,
        introspection: TokenIntrospection,
        record: SignInRecord,
        clock: Clock,
        latest: LatestTime,
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._introspection = introspection
        self._record = record
        self._clock = clock
        self._latest = latest
        self._verified: EpochMemory[bytes, _Verified] = EpochMemory()
        self._held: EpochMemory[bytes, _Held] = EpochMemory()

    def recall(self, token: str, epoch: int, context: Context) -> Subject | None:
        """The token's subject from memory alone."""
        held = self._held.get(_digest(token), epoch)
        if held is None or self._clock.monotonic() >= held.until:
            return None
        return None if is_over(held.subject, self._latest.at(context.now)) else held.subject

    def authenticate(self, token: str, epoch: int, context: Context) -> Subject | Refusal:
        """The token's subject as the directory knows it now."""
        digest, now = _digest(token), self._latest.at(context.now)
        verified = self._verified.get_any(digest)
        is_new = verified is None or now >= verified.claims.expires_at
        if verified is None or is_new or self._clock.monotonic() >= verified.until:
            found = self._verify(token, now)
            if isinstance(found, AssertionFault):
                return Refusal(Cause.of_assertion(found), Credential.ASSERTION)
            verified = found
            self._verified.put(digest, 0, verified)
        claims, asking = verified.claims, replace(context, now=now)
        source = self._accounts.source(claims.source)
        subject = (
            Cause.UNKNOWN_SOURCE
            if source is None
            else self._accounts.admit(source, claims, Credential.ASSERTION, asking, signs_in=False)
        )
        if isinstance(subject, Cause):
            tenant = None if source is None else source.tenant
            return Refusal(subject, Credential.ASSERTION, recordable(claims.name), claims.issuer, tenant)
        if is_new:
            self._record.succeeded(subject, context)
        self._held.put(digest, epoch, _Held(subject, verified.until))
        return subject

    def _verify(self, token: str, now: datetime) -> _Verified | AssertionFault:
        began = self._clock.monotonic()
        if len(token.split(".")) == _SEGMENTS:
            claims, seconds = self._tokens.verify(token.encode("ascii"), now), VERIFIED_SECONDS
        else:
            claims, seconds = self._introspection.introspect(token, now), ASKED_SECONDS
        return claims if isinstance(claims, AssertionFault) else _Verified(claims, began + seconds)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii", "replace")).digest()
