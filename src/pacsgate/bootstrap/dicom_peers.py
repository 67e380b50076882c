"""From the settings of a DICOM peer to what associations need of it, and the peers that are not archives.

Called by `archives`, `dimse` and `installation`.
"""

from pacsgate.config import DicomPeerSettings, Settings
from pacsgate.upstream.dimse.orders import WorklistOrders
from pacsgate.upstream.dimse.peer import ClientIdentity, Peer, TlsSettings
from pacsgate.upstream.dimse.procedure_steps import PeerProcedureSteps
from pacsgate.upstream.dimse.worklist import PeerWorklist


def dicom_peer(given: DicomPeerSettings) -> Peer:
    """One application entity to associate with."""
    tls = None
    if given.tls is not None:
        identity = None
        if given.tls.certificate is not None and given.tls.key is not None:
            identity = ClientIdentity(given.tls.certificate, given.tls.key)
        tls = TlsSettings(given.tls.ca_file, given.tls.certificate_sha256, identity)
    return Peer(given.host, given.port, given.ae_title, given.calling_ae_title, tls, given.timeout_seconds)


def worklist(settings: Settings) -> PeerWorklist | None:
    """The worklist, if there is one."""
    if settings.dicom is None or settings.dicom.worklist is None:
        return None
    return PeerWorklist(dicom_peer(settings.dicom.worklist))


def orders(settings: Settings) -> WorklistOrders | None:
    """The orders that the worklist knows."""
    if settings.dicom is None or settings.dicom.worklist is None:
        return None
    return WorklistOrders(dicom_peer(settings.dicom.worklist))


def procedure_steps(settings: Settings) -> PeerProcedureSteps | None:
    """Who keeps procedure steps, if anybody does."""
    if settings.dicom is None or settings.dicom.procedure_steps is None:
        return None
    return PeerProcedureSteps(dicom_peer(settings.dicom.procedure_steps))
