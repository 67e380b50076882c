"""From a certificate to the authority that is trusted, or to what is wrong on the way.

TLS has verified the same already where the gate terminates it; where a proxy does, nobody has but the
proxy.  So the whole way is verified here, by another library, with what TLS leaves out: that the
certificate is meant for clients.

Called by `source`.

Invariants:
- a way leads from the certificate, each link signed by the next, to a certificate of the configured file;
- names that an authority may not give are refused (name constraints).

Standard: RFC 5280 section 6 (path validation), 4.2.1.12 (extended key usage).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store

from pacsgate.identity.certificates.certificate_numbers import name_digest
from pacsgate.identity.certificates.unreadable import UNREADABLE
from pacsgate.identity.refusals import Cause
from pacsgate.model.errors import SettingsError

_FOR_CLIENTS = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})

Chain = Sequence[x509.Certificate]
"""A certificate, then its issuer, and so on to the one that is trusted."""


class Authorities:
    """The authorities of one source."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        subjects = {certificate.subject for certificate in certificates}
        # An authority whose own superior is not in the file is trusted as it stands.
        trusted = [
            each for each in certificates if each.issuer == each.subject or each.issuer not in subjects
        ]
        self._between = [each for each in certificates if each not in trusted]
        self._store = Store(trusted)
        by_name: dict[str, list[x509.Certificate]] = {}
        for each in certificates:
            by_name.setdefault(name_digest(each.subject), []).append(each)
        self.by_name: Mapping[str, Sequence[x509.Certificate]] = by_name
        """All of them by digests of their names: a name has several, once its key was renewed."""

    def chain(self, certificate: x509.Certificate, now: datetime) -> Chain | Cause:
        """The way to a trusted certificate, at a time."""
        if now < certificate.not_valid_before_utc:
            return Cause.CERTIFICATE_NOT_YET_VALID
        if now >= certificate.not_valid_after_utc:
            return Cause.EXPIRED_CERTIFICATE
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(now)
            .extension_policies(ca_policy=_OF_AUTHORITIES, ee_policy=_OF_CLIENTS)
            .build_client_verifier()
        )
        try:
            return verifier.verify(certificate, self._between).chain
        except (verification.VerificationError, *UNREADABLE):
            return Cause.UNTRUSTED_CERTIFICATE


def read_authorities(path: Path) -> Authorities:
    """The authorities in a PEM file.  Raises `SettingsError`."""
    try:
        return Authorities(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"cannot read the authorities `{path}`: {error.strerror}") from error
    except UNREADABLE as error:
        raise SettingsError(f"`{path}` holds no certificates in PEM") from error


def _is_for_clients(_policy: Policy, _of: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if not _FOR_CLIENTS.intersection(usage):
        raise ValueError("not for clients")


def _signs(_policy: Policy, _of: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("not for signatures")


def _is_authority(_policy: Policy, _of: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("no authority")


def _certifies(_policy: Policy, _of: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not for certificates")


_OF_CLIENTS = (
    ExtensionPolicy.permit_all()
    .require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_clients)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs)
)
_OF_AUTHORITIES = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _certifies)
)
"""Less than browsers demand of public authorities: hospitals run their own, made with `openssl req -x509`."""
