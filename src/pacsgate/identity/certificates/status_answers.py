"""What the authority itself says of a certificate at this moment (OCSP).

It is asked with a nonce, so that nobody can replay an older answer of a responder that repeats it.  An answer
counts until its `nextUpdate`, though never longer than five minutes; that a responder said nothing is
remembered for a moment, so that one that is down costs one wait and not one for each certificate.

Called by `source`, in a thread that may wait.

Invariants:
- only the issuer, or whom it has certified for this very purpose, may answer.

Standard: RFC 6960; RFC 9654 (nonce).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from pacsgate.identity.certificates.asking import Ask
from pacsgate.identity.certificates.revocation_lists import Revocation
from pacsgate.identity.certificates.unreadable import UNREADABLE

LONGEST = timedelta(minutes=5)
AFTER_SILENCE = timedelta(seconds=5)
SKEW = timedelta(minutes=5)
CAPACITY = 10_000
_NONCE_BYTES = 32
_STATES = {
    ocsp.OCSPCertStatus.GOOD: Revocation.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Revocation.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: Revocation.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What an authority said, and until when that counts."""

    state: Revocation
    until: datetime


class StatusAnswers:
    """The responders of one source; `url` is asked instead of those that certificates name."""

    def __init__(self, url: str | None, ask: Ask, random: Callable[[int], bytes]) -> None:
        self._url = url
        self._ask = ask
        self._random = random
        self._known: dict[bytes, StatusAnswer] = {}
        self._silent_until: dict[str, datetime] = {}

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revocation:
        """What the authority says, as last heard if that still counts."""
        key = certificate.fingerprint(hashes.SHA256())
        known = self._known.get(key)
        if known is None or now >= known.until:
            known = self._answer(certificate, issuer, now)
            if len(self._known) >= CAPACITY:
                self._known = {}
            self._known[key] = known
        return known.state

    def _answer(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> StatusAnswer:
        silence = StatusAnswer(Revocation.UNKNOWN, now + AFTER_SILENCE)
        url = self._url or _responder(certificate)
        if url is None or now < self._silent_until.get(url, now):
            return silence
        nonce = self._random(_NONCE_BYTES)
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - an identifier, as responders know certificates
        request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()
        answer = self._ask(url, request.public_bytes(serialization.Encoding.DER))
        if answer is None:
            self._silent_until[url] = silence.until
            return silence
        return read_answer(answer, request, nonce, issuer, now) or silence


def read_answer(
    content: bytes, request: ocsp.OCSPRequest, nonce: bytes, issuer: x509.Certificate, now: datetime
) -> StatusAnswer | None:
    """What a genuine answer to this request says; `None` for one that does not count."""
    try:
        answer = ocsp.load_der_ocsp_response(content)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL or not _is_signed(
            answer, issuer, now
        ):
            return None
        repeated = _nonce(answer)
        if repeated is not None and repeated != nonce:
            return None
        return next(_of_request(answer, request, now), None)
    except UNREADABLE:
        return None


def _of_request(
    answer: ocsp.OCSPResponse, request: ocsp.OCSPRequest, now: datetime
) -> Iterator[StatusAnswer]:
    for single in answer.responses:
        is_meant = (
            single.serial_number == request.serial_number
            and single.issuer_key_hash == request.issuer_key_hash
            and single.issuer_name_hash == request.issuer_name_hash
        )
        end = single.next_update_utc or single.this_update_utc + LONGEST
        if is_meant and single.this_update_utc <= now + SKEW and now < end:
            yield StatusAnswer(_STATES[single.certificate_status], min(end, now + LONGEST))


def _nonce(answer: ocsp.OCSPResponse) -> bytes | None:
    try:
        return answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound:
        return None


def _is_signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    """Whether the issuer has signed an answer, or somebody whom it has certified to answer for it."""
    return any(_has_signed(signer, answer) for signer in (issuer, *_delegates(answer, issuer, now)))


def _delegates(
    answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime
) -> Iterator[x509.Certificate]:
    for certificate in answer.certificates:
        try:
            certificate.verify_directly_issued_by(issuer)
            usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
            continue
        in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
        if in_time and ExtendedKeyUsageOID.OCSP_SIGNING in usage:
            yield certificate


def _has_signed(signer: x509.Certificate, answer: ocsp.OCSPResponse) -> bool:
    key, digest = signer.public_key(), answer.signature_hash_algorithm
    signature, signed = answer.signature, answer.tbs_response_bytes
    try:
        match key:
            case rsa.RSAPublicKey() if digest is not None:
                key.verify(signature, signed, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() if digest is not None:
                key.verify(signature, signed, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, signed)
            case _:
                return False
    except InvalidSignature:
        return False
    return True


def _responder(certificate: x509.Certificate) -> str | None:
    """The first responder that a certificate names."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None
    for description in access:
        place = description.access_location
        if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
            place, x509.UniformResourceIdentifier
        ):
            return place.value
    return None
