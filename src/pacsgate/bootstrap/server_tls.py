"""TLS of what listens for peers that speak no HTTP.

Called by `dimse`, `hl7`, and by `supervisor` and `pacsgate config check` before anything listens.

Standard: PS3.15 B.12 (BCP 195 RFC 8996, 9325 TLS), B.13 (Modified BCP 195 RFC 8996, 9325 TLS).
"""

import ssl

from pacsgate.config import Settings
from pacsgate.config.dicom import DicomTlsSettings, TlsProfile
from pacsgate.model.errors import SettingsError

_SUITES = {
    TlsProfile.BCP_195: "ECDHE+AESGCM:ECDHE+CHACHA20",
    TlsProfile.EXTENDED_BCP_195: "ECDHE+AES256+AESGCM:ECDHE+CHACHA20",
}
"""Suites of TLS 1.2, all with forward secrecy and authenticated encryption; those of 1.3 are good enough as
they are."""


def server_tls(settings: DicomTlsSettings) -> ssl.SSLContext:
    """A context for accepting connections.  Raises `SettingsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_SUITES[settings.profile])
    try:
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
    except OSError as error:  # what is no certificate is an `SSLError`, which is one
        raise SettingsError(
            f"cannot use certificate, key and client CA of `{settings.certificate}`: {error.strerror}"
        ) from error
    if settings.client_ca is not None:
        is_required = settings.client_certificate_required
        context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
    return context


def check_server_tls(settings: Settings) -> None:
    """Raise `SettingsError` for a listener whose certificate, key or authorities cannot be used."""
    dicom = [listener.tls for listener in settings.dicom.listeners] if settings.dicom else []
    hl7 = [listener.tls for listener in settings.hl7.listeners] if settings.hl7 else []
    for tls in (*dicom, *hl7):
        if tls is not None:
            server_tls(tls)
