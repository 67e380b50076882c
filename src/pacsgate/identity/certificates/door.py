"""A client certificate, verified: who its holder is, from memory in microseconds or anew.

The gate is shown certificates by TLS, or by a trusted proxy in a header; either way they come here as
they are (DER) and are verified whole.  Whom one stands for is remembered for half a minute, under the
epoch of users, and no longer than until a revocation list changes.

Called by `pacsgate.identity.authenticate`.

Invariants:
- `recall` reads no file and asks nobody;
- the sources are asked in their order, and the first that vouches decides.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography import x509

from pacsgate.identity.certificates.source import CertificateSource
from pacsgate.identity.certificates.unreadable import UNREADABLE
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.context import Context
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Clock
from pacsgate.ports.assertions import Claims

REMEMBERED_SECONDS = 30.0
"""Then the lists and the responder are asked again, from what they remember."""
LARGEST = 16 * 1024
_PUBLIC_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class _Held:
    subject: Subject
    source: CertificateSource
    until: float


class CertificateDoor:
    """Verifies client certificates."""

    def __init__(
        self,
        sources: Sequence[CertificateSource],
        accounts: FederatedAccounts,
        *,
        clock: Clock,
        latest: LatestTime,
    ) -> None:
        self._sources = sources
        self._accounts = accounts
        self._clock = clock
        self._latest = latest
        self._held: EpochMemory[bytes, _Held] = EpochMemory()

    def recall(self, certificate: bytes, epoch: int, context: Context) -> Subject | None:
        """The holder from memory alone."""
        held = self._held.get(hashlib.sha256(certificate).digest(), epoch)
        if held is None or self._clock.monotonic() >= held.until or not held.source.is_current():
            return None
        end = held.subject.valid_until
        return held.subject if end is None or self._latest.at(context.now) < end else None

    def authenticate(self, certificate: bytes, epoch: int, context: Context) -> Subject | Refusal:
        """The holder as the authorities and the directory know them now."""
        digest = hashlib.sha256(certificate).digest()
        context = replace(context, now=self._latest.at(context.now))
        public_id = digest.hex()[:_PUBLIC_ID_DIGITS]
        found = self._claims(certificate, context)
        if isinstance(found, Cause):
            return Refusal(found, Credential.CERTIFICATE, credential_id=public_id)
        source, claims = found
        subject = self._accounts.admit(source.policy, claims, Credential.CERTIFICATE, context)
        if isinstance(subject, Cause):
            return Refusal(subject, Credential.CERTIFICATE, claims.name, public_id, source.policy.tenant)
        subject = replace(subject, credential_id=public_id)
        until = self._clock.monotonic() + REMEMBERED_SECONDS
        self._held.put(digest, epoch, _Held(subject, source, until))
        return subject

    def _claims(self, der: bytes, context: Context) -> tuple[CertificateSource, Claims] | Cause:
        if len(der) > LARGEST:
            return Cause.UNREADABLE_CERTIFICATE
        try:
            certificate = x509.load_der_x509_certificate(der)
        except UNREADABLE:
            return Cause.UNREADABLE_CERTIFICATE
        cause = Cause.UNTRUSTED_CERTIFICATE
        for source in self._sources:
            found = source.claims(certificate, context.now)
            if isinstance(found, Claims):
                return source, found
            if found is not Cause.UNTRUSTED_CERTIFICATE:
                cause = found
        return cause
