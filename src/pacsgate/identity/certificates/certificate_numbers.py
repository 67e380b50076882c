"""What is kept of the certificate that a session was begun with: what revocation lists know it by.

An authority numbers its certificates, so issuer and serial number are one certificate, in some forty
characters where a certificate has thousands.

Called by `source`, and by the page that begins sessions with certificates.

Standard: RFC 5280 4.1.2.2 (issuer and serial number identify a certificate).
"""

import hashlib
from dataclasses import dataclass

from cryptography import x509

_DIGITS = 32


@dataclass(frozen=True, slots=True)
class CertificateNumber:
    """One certificate."""

    issuer: str
    """A digest of the issuer's name."""
    serial: int

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "CertificateNumber":
        """That of a certificate."""
        return cls(name_digest(certificate.issuer), certificate.serial_number)

    @classmethod
    def read(cls, text: str) -> "CertificateNumber | None":
        """The one that was written as this; `None` for what is none."""
        issuer, separator, serial = text.partition(".")
        try:
            return cls(issuer, int(serial, 16)) if separator else None
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.issuer}.{self.serial:x}"


def name_digest(name: x509.Name) -> str:
    """What stands for a name."""
    return hashlib.sha256(name.public_bytes()).hexdigest()[:_DIGITS]


def number_in(der: bytes) -> str:
    """The number of a certificate that has been verified."""
    return str(CertificateNumber.of(x509.load_der_x509_certificate(der)))
