"""Who is associated with, under which titles, and how far it is trusted.

Called by `associations`; made by `bootstrap` for archives and from `RemoteAe` for destinations.

Standard: PS3.8 9.3.2 (AE titles); PS3.15 B.12 (TLS 1.2 and later).
"""

import ssl
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError, SettingsError


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A certificate of the gate's and its key: PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How a peer is known over TLS, and what the gate shows it.

    With a fingerprint the peer is whoever has that certificate, whatever authority signed it;
    without one its certificate must be valid for its host name.
    """

    ca_file: Path | None = None
    """The authorities to trust instead of the system's."""
    certificate_sha256: str | None = None
    """SHA-256 of the peer's certificate (DER), 64 lower-case hexadecimal digits."""
    identity: ClientIdentity | None = None
    """What the gate shows to peers that ask for a certificate."""


DEFAULT_TLS = TlsSettings()
"""The system's authorities, and nothing to show."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One application entity to associate with."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    tls: TlsSettings | None = None
    timeout_seconds: float = 30
    """For the connection, for each PDU, and for the silence before each."""


def peer_of(
    remote: RemoteAe, calling_ae_title: str, *, timeout_seconds: float, tls: TlsSettings = DEFAULT_TLS
) -> Peer:
    """A remote application entity as somebody to associate with, over `tls` if it has TLS.

    The fingerprint is the entity's own.  Raises `ArchiveError`.
    """
    if remote.host is None or remote.port is None:
        raise ArchiveError("the DICOM peer has no address", detail=remote.ae_title)
    its_tls = replace(tls, certificate_sha256=remote.certificate_sha256) if remote.tls else None
    return Peer(remote.host, remote.port, remote.ae_title, calling_ae_title, its_tls, timeout_seconds)


@cache
def client_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS towards a peer; its files are read once.  Raises `SettingsError`."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.identity is not None:
            context.load_cert_chain(tls.identity.certificate, tls.identity.key)
    except (OSError, ssl.SSLError) as failure:
        raise SettingsError(f"TLS towards a DICOM peer: {failure.strerror or failure}") from failure
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate_sha256 is not None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
