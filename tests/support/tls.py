"""A throwaway certificate authority and what it signs, for tests of verified TLS and of client certificates."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
FOR_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True)
class Card:
    """What somebody identifies with: a certificate and its key, as values and as PEM files."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path

    @property
    def der(self) -> bytes:
        """The certificate as TLS hands it on."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def files(self) -> tuple[Path, Path]:
        """Certificate and key."""
        return self.certificate_file, self.key_file


def principal(name: str) -> x509.OtherName:
    """A user principal name, as smart cards carry it."""
    text = name.encode("utf-8")
    return x509.OtherName(UPN, bytes([0x0C, len(text)]) + text)


class CertificateAuthority:
    """Signs server certificates; its own certificate is at `ca_file`."""

    def __init__(
        self,
        directory: Path,
        name: str = "tests",
        *,
        above: "CertificateAuthority | None" = None,
        extensions: Iterable[x509.ExtensionType] = (),
        now: datetime | None = None,
    ) -> None:
        # OpenSSL compares with the real clock; who moves a clock by hand says what it shows.
        self.now = now or datetime.now(UTC)  # noqa: TID251 - likewise
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {name}")])
        signer = above or self
        builder = (
            signer._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        self.certificate = builder.sign(signer._key, hashes.SHA256())
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def card(
        self,
        name: str,
        *alternatives: x509.GeneralName,
        usages: Sequence[x509.ObjectIdentifier] = FOR_CLIENTS,
        valid: tuple[datetime, datetime] | None = None,
        extensions: Iterable[x509.ExtensionType] = (),
    ) -> Card:
        """A client certificate for somebody; for a day before and after now, unless it is said when."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), valid).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Card(certificate, key, *self._kept(f"card-{name}", certificate, key))

    def below(self, name: str, *extensions: x509.ExtensionType) -> "CertificateAuthority":
        """An authority that this one has certified, with further critical extensions."""
        return CertificateAuthority(
            self._directory / name, name, above=self, extensions=extensions, now=self.now
        )

    def revocation_list(self, *revoked: x509.Certificate, ends: datetime | None = None) -> bytes:
        """A list of these certificates, which counts for a day unless it is said until when (PEM)."""
        now = self.now
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self._name, last_update=now - 2 * _DAY, next_update=ends or now + _DAY
        ).add_extension(x509.CRLNumber(1), critical=False)
        for certificate in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(certificate.serial_number, now - _DAY).build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def status_answer(
        self,
        question: bytes,
        status: ocsp.OCSPCertStatus,
        *,
        at: datetime | None = None,
        repeats_nonce: bool = True,
        signer: "Card | None" = None,
    ) -> bytes:
        """What a responder of this authority answers to an OCSP request (DER)."""
        request = ocsp.load_der_ocsp_request(question)
        now = at or self.now
        is_revoked = status is ocsp.OCSPCertStatus.REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial_number=request.serial_number,
            algorithm=hashes.SHA1(),  # noqa: S303 - an identifier
            cert_status=status,
            this_update=now,
            next_update=now + timedelta(hours=1),
            revocation_time=now - _DAY if is_revoked else None,
            revocation_reason=None,
        )
        nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value
        if repeats_nonce:
            builder = builder.add_extension(nonce, critical=False)
        if signer is not None:
            builder = builder.certificates([signer.certificate])
        certificate = self.certificate if signer is None else signer.certificate
        answer = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).sign(
            self._key if signer is None else signer.key, hashes.SHA256()
        )
        return answer.public_bytes(serialization.Encoding.DER)

    def issue(self, *names: str) -> tuple[Path, Path]:
        """A certificate for host names or addresses, and its key: two PEM files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            self._builder(subject, key.public_key())
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return self._kept(names[0], certificate, key)

    def _kept(
        self, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> tuple[Path, Path]:
        certificate_file = self._directory / f"{name}.pem"
        key_file = self._directory / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate_file, key_file

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        valid: tuple[datetime, datetime] | None = None,
    ) -> x509.CertificateBuilder:
        begins, ends = valid or (self.now - _DAY, self.now + _DAY)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
