"""Client certificates as an identity source, and the header in which a proxy hands them on.

Called by `identity` and `settings`.

Standard: RFC 5280 (certificates, CRL); RFC 6960 (OCSP); RFC 9440 (Client-Cert); FIPS 201 (PIV).
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.sources import SigningSourceSettings

_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


class CertificateField(StrEnum):
    """The part of a certificate that names a person, and stays the same when it is renewed."""

    SUBJECT_CN = "subject-cn"
    SERIAL_NUMBER = "subject-serial-number"
    """The `serialNumber` of the subject: the number of the person or card, not of the certificate."""
    SAN_UPN = "san-upn"
    """The user principal name of smart cards (PIV, Active Directory)."""
    SAN_EMAIL = "san-email"
    SAN_URI = "san-uri"
    SAN_DNS = "san-dns"


class CertificateNameSettings(Section):
    """Which account a certificate is for."""

    by: CertificateField
    """The part of a certificate that says whose it is; docs/tls.md."""
    domain: str | None = Field(default=None, min_length=1)
    """Of names like `anna@hospital.example`: only this domain, and the account is called `anna`."""


class OcspUse(StrEnum):
    """Whether the authority is asked about each certificate."""

    OFF = "off"
    REQUIRED = "required"
    """Whoever cannot be asked about is refused."""


class CertificateSourceSettings(SigningSourceSettings):
    """One authority whose certificates say who somebody is."""

    ca_file: Path
    """PEM: the authorities that issue the certificates, and those above them."""
    crl_file: Path | None = None
    """PEM or DER: the revocation lists of the authorities; read again when it changes.  Past its `nextUpdate`
    nobody is let in."""
    crl_url: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")
    """Where the authority publishes its list."""
    ocsp: OcspUse = OcspUse.OFF
    """Whether the authority is asked about each certificate; who then cannot be asked about is refused."""
    ocsp_url: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")
    """The responder to ask instead of the one that each certificate names."""
    map: CertificateNameSettings
    """Which account a certificate is for."""
    level: Literal[2, 3] = 2
    """How strongly such a certificate authenticates: 2, or 3 when every key is kept in hardware."""

    @model_validator(mode="after")
    def _list_comes_from_one_place(self) -> "CertificateSourceSettings":
        if self.crl_file is not None and self.crl_url is not None:
            raise ValueError("`crl_file` and `crl_url` are two places for one list: keep one")
        if self.ocsp_url is not None and self.ocsp is OcspUse.OFF:
            raise ValueError("`ocsp_url` without `ocsp: required` is asked for nothing")
        return self


class CertificateEncoding(StrEnum):
    """How a proxy writes a certificate into a header."""

    RFC_9440 = "rfc9440"
    """`:` base64 of the DER `:`."""
    ESCAPED_PEM = "escaped-pem"
    """PEM with percent-encoding, as nginx's `$ssl_client_escaped_cert`."""


class CertificateHeaderSettings(Section):
    """The header in which `trusted_proxies` hand on the certificates of their clients."""

    name: str = "Client-Cert"
    encoding: CertificateEncoding = CertificateEncoding.RFC_9440
    """As RFC 9440 has it, or PEM with percent-encoding as nginx writes it."""

    @field_validator("name")
    @classmethod
    def _name_is_a_field_name(cls, value: str) -> str:
        if _FIELD_NAME.fullmatch(value) is None:
            raise ValueError(f"`{value}` is no name of a header: letters, digits and `-`")
        return value
