"""TLS of everything that listens: which certificate each listener shows, and a context made of it.

Called by `renewed_tls`, which makes a new context when a file has changed.

Standard: PS3.15 B.12 (BCP 195 RFC 8996, 9325 TLS), B.13 (Modified BCP 195 RFC 8996, 9325 TLS).
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from pacsgate.config import Settings
from pacsgate.config.tls import ClientCertificate, DicomTlsSettings, HttpTlsSettings, TlsProfile
from pacsgate.model.errors import SettingsError

_SUITES = {
    TlsProfile.BCP_195: "ECDHE+AESGCM:ECDHE+CHACHA20",
    TlsProfile.EXTENDED_BCP_195: "ECDHE+AES256+AESGCM:ECDHE+CHACHA20",
}
"""Suites of TLS 1.2, all with forward secrecy and authenticated encryption; those of 1.3 are good enough as
they are."""
_VERIFY = {
    ClientCertificate.NONE: ssl.CERT_NONE,
    ClientCertificate.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificate.REQUIRED: ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What one listener shows, and whose certificates it takes."""

    name: str
    """Says which listener it is: `http 8443`, `dicom 2762`."""
    certificate: Path
    key: Path
    profile: TlsProfile = TlsProfile.BCP_195
    client_certificate: ClientCertificate = ClientCertificate.NONE
    authorities: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that is read."""
        return (self.certificate, self.key, *self.authorities)


def server_context(tls: ServerTls) -> ssl.SSLContext:
    """A context for accepting connections.  Raises `SettingsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # An authority that issues certificates vouches for them, whether or not its own superior is configured.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_ciphers(_SUITES[tls.profile])
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        for authorities in tls.authorities:
            context.load_verify_locations(authorities)
    except OSError as error:  # what is no certificate is an `SSLError`, which is one
        raise SettingsError(
            f"cannot use certificate, key and client CA of `{tls.certificate}`: {error.strerror}"
        ) from error
    context.verify_mode = _VERIFY[tls.client_certificate]
    return context


def certificate_end(tls: ServerTls) -> datetime:
    """When the certificate of a listener ends, as aware UTC.  Raises `SettingsError`."""
    try:
        return x509.load_pem_x509_certificates(tls.certificate.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read the certificate `{tls.certificate}`") from error


def http_tls(settings: Settings) -> list[ServerTls | None]:
    """TLS of each HTTP listener, in configured order; `None` for a plain one."""
    return [
        None if listener.tls is None else _of_http(f"http {listener.port}", listener.tls, settings)
        for listener in settings.listeners
    ]


def dicom_tls(settings: Settings) -> list[ServerTls | None]:
    """TLS of each DICOM listener, likewise."""
    listeners = settings.dicom.listeners if settings.dicom else ()
    return [_of_dicom(f"dicom {listener.port}", listener.tls) for listener in listeners]


def hl7_tls(settings: Settings) -> list[ServerTls | None]:
    """TLS of each HL7 listener, likewise."""
    listeners = settings.hl7.listeners if settings.hl7 else ()
    return [_of_dicom(f"hl7 {listener.port}", listener.tls) for listener in listeners]


def all_tls(settings: Settings) -> Iterator[ServerTls]:
    """TLS of whatever listens with it."""
    for tls in (*http_tls(settings), *dicom_tls(settings), *hl7_tls(settings)):
        if tls is not None:
            yield tls


def check_server_tls(settings: Settings) -> None:
    """Raise `SettingsError` for a listener whose certificate, key or authorities cannot be used."""
    for tls in all_tls(settings):
        server_context(tls)


def _of_http(name: str, tls: HttpTlsSettings, settings: Settings) -> ServerTls:
    authorities: tuple[Path, ...] = ()
    if tls.client_certificate is not ClientCertificate.NONE:
        sources = settings.identity.certificates
        authorities = (tls.client_ca,) if tls.client_ca else tuple(source.ca_file for source in sources)
    return ServerTls(name, tls.certificate, tls.key, tls.profile, tls.client_certificate, authorities)


def _of_dicom(name: str, tls: DicomTlsSettings | None) -> ServerTls | None:
    if tls is None:
        return None
    if tls.client_ca is None:
        return ServerTls(name, tls.certificate, tls.key, tls.profile)
    asked = ClientCertificate.REQUIRED if tls.client_certificate_required else ClientCertificate.OPTIONAL
    return ServerTls(name, tls.certificate, tls.key, tls.profile, asked, (tls.client_ca,))


def _no_password() -> str:
    """Instead of a question at the terminal of whoever starts the gate."""
    raise SettingsError("a key of a listener is protected by a password, which nobody is there to type")
