"""From the settings of a DICOM peer to what associations need of it.

Called by `archives` and `dicom_clients`.
"""

from pacsgate.config import DicomPeerSettings
from pacsgate.upstream.dimse.peer import ClientIdentity, Peer, TlsSettings, client_context


def dicom_peer(given: DicomPeerSettings) -> Peer:
    """One application entity to associate with.  Raises `SettingsError` for files that TLS cannot use."""
    tls = None
    if given.tls is not None:
        identity = None
        if given.tls.certificate is not None and given.tls.key is not None:
            identity = ClientIdentity(given.tls.certificate, given.tls.key)
        tls = TlsSettings(given.tls.ca_file, given.tls.certificate_sha256, identity)
        client_context(tls)
    return Peer(given.host, given.port, given.ae_title, given.calling_ae_title, tls, given.timeout_seconds)
