"""One authority as an identity source: from a certificate to what it says of its holder.

Called by `door`; made by `bootstrap` from `identity.certificates`.

Invariants:
- a certificate whose revocation cannot be told is refused wherever telling was configured.

Standard: RFC 5280; RFC 8176 (`sc`, `swk`, `pin`, `mfa`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509

from pacsgate.identity.certificates.certificate_names import name_in
from pacsgate.identity.certificates.certificate_numbers import CertificateNumber
from pacsgate.identity.certificates.chains import Authorities, Chain
from pacsgate.identity.certificates.revocation_lists import (
    Revocation,
    RevocationLists,
    is_listed,
    lists_of,
    revocation,
)
from pacsgate.identity.certificates.status_answers import StatusAnswers
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.refusals import Cause
from pacsgate.ports.assertions import Claims

METHODS_OF_LEVEL = {2: frozenset({"swk", "mfa"}), 3: frozenset({"sc", "pin"})}
"""What a certificate proves: a key that its holder unlocked; a card with its PIN."""


@dataclass(frozen=True, slots=True)
class CertificateSource:
    """One configured authority."""

    policy: SourcePolicy
    authorities: Authorities
    field: str
    """Which part of a certificate names the account."""
    domain: str | None = None
    lists: RevocationLists | None = None
    answers: StatusAnswers | None = None

    def claims(self, certificate: x509.Certificate, now: datetime) -> Claims | Cause:
        """What a certificate says of its holder, if it is genuine, valid and not revoked."""
        chain = self.authorities.chain(certificate, now)
        if isinstance(chain, Cause):
            return chain
        bar = self._listed(chain, now) or self._answered(chain, now)
        if bar is not None:
            return bar
        name = name_in(certificate, self.field, self.domain)
        if name is None:
            return Cause.NAMELESS_CERTIFICATE
        return Claims(
            issuer=self.policy.name,
            name=name,
            expires_at=min(each.not_valid_after_utc for each in chain),
            source=self.policy.name,
            methods=self.policy.believed_methods,
        )

    def revoked(self, numbers: Iterable[str], now: datetime) -> frozenset[str]:
        """Which of these certificates the lists name, themselves or an authority on their way.

        What no list knows counts as it did: it was judged when its holder came in.
        """
        if self.lists is None:
            return frozenset()
        lists = self.lists.lists()
        counting = {
            digest: [found for issuer in issuers for found in lists_of(issuer, lists, now)]
            for digest, issuers in self.authorities.by_name.items()
        }
        read = ((text, CertificateNumber.read(text)) for text in numbers)
        return frozenset(
            text for text, number in read if number is not None and self._is_revoked(number, counting)
        )

    def _is_revoked(
        self, number: CertificateNumber, counting: Mapping[str, Sequence[x509.CertificateRevocationList]]
    ) -> bool:
        seen = set[str]()
        while number.issuer not in seen:
            if is_listed(number.serial, counting.get(number.issuer, ())):
                return True
            seen.add(number.issuer)
            above = self.authorities.by_name.get(number.issuer, ())
            if len(above) != 1:
                return (
                    False  # unknown, or renewed: by which of its keys the certificate was signed is not kept
                )
            number = CertificateNumber.of(above[0])
        return False

    def is_current(self) -> bool:
        """Whether nothing new is known of revocations since they were last asked for."""
        return self.lists is None or self.lists.is_current()

    def _listed(self, chain: Chain, now: datetime) -> Cause | None:
        if self.lists is None:
            return None
        lists = self.lists.lists()
        states = [revocation(certificate, issuer, lists, now) for certificate, issuer in pairwise(chain)]
        if Revocation.REVOKED in states:
            return Cause.REVOKED_CERTIFICATE
        # Many authorities publish a list of people and none of the authorities below them.
        return Cause.REVOCATION_UNKNOWN if not states or states[0] is Revocation.UNKNOWN else None

    def _answered(self, chain: Chain, now: datetime) -> Cause | None:
        if self.answers is None:
            return None
        if len(chain) < 2:
            return Cause.REVOCATION_UNKNOWN
        return _CAUSES[self.answers.revocation(chain[0], chain[1], now)]


_CAUSES = {
    Revocation.GOOD: None,
    Revocation.REVOKED: Cause.REVOKED_CERTIFICATE,
    Revocation.UNKNOWN: Cause.REVOCATION_UNKNOWN,
}
