"""The DICOM peers that are not archives: the worklist, and whoever keeps procedure steps.

Called by `dimse` and `installation`.
"""

from pacsgate.bootstrap.dicom_peers import dicom_peer
from pacsgate.config.dicom import DicomSettings
from pacsgate.upstream.dimse.orders import WorklistOrders
from pacsgate.upstream.dimse.procedure_steps import PeerProcedureSteps
from pacsgate.upstream.dimse.worklist import PeerWorklist


def worklist(dicom: DicomSettings) -> PeerWorklist | None:
    """The worklist, if there is one."""
    return None if dicom.worklist is None else PeerWorklist(dicom_peer(dicom.worklist))


def orders(dicom: DicomSettings) -> WorklistOrders | None:
    """The orders that the worklist knows."""
    return None if dicom.worklist is None else WorklistOrders(dicom_peer(dicom.worklist))


def procedure_steps(dicom: DicomSettings) -> PeerProcedureSteps | None:
    """Who keeps procedure steps, if anybody does."""
    return None if dicom.procedure_steps is None else PeerProcedureSteps(dicom_peer(dicom.procedure_steps))
