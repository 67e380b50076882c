"""From the settings of a DICOM peer to what associations need of it.

Called by `archives`, `dicom_clients`, `dimse` and `pacsgate device test`.
"""

from pacsgate.config import DicomPeerSettings, Settings
from pacsgate.config.dicom_peers import ClientTlsSettings
from pacsgate.upstream.dimse.peer import ClientIdentity, Peer, TlsSettings, client_context


def dicom_peer(given: DicomPeerSettings) -> Peer:
    """One application entity to associate with.  Raises `SettingsError` for files that TLS cannot use."""
    tls = None
    if given.tls is not None:
        tls = TlsSettings(given.tls.ca_file, given.tls.certificate_sha256, _identity(given.tls))
        client_context(tls)
    return Peer(given.host, given.port, given.ae_title, given.calling_ae_title, tls, given.timeout_seconds)


def outgoing_tls(settings: Settings) -> TlsSettings:
    """TLS towards remote application entities.  Raises `SettingsError` likewise."""
    given = ClientTlsSettings() if settings.dicom is None else settings.dicom.outgoing_tls
    tls = TlsSettings(given.ca_file, identity=_identity(given))
    client_context(tls)
    return tls


def _identity(given: ClientTlsSettings) -> ClientIdentity | None:
    if given.certificate is None or given.key is None:
        return None
    return ClientIdentity(given.certificate, given.key)
