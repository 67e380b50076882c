"""The DICOM peers that are not archives: the worklist, and whoever keeps procedure steps.

Called by `dimse` and `installation`.
"""

from pacsgate.bootstrap.dicom_peers import dicom_peer
from pacsgate.config.dicom import DicomSettings
from pacsgate.model.resource import TenantScope
from pacsgate.upstream.dimse.orders import WorklistOrders
from pacsgate.upstream.dimse.procedure_steps import PeerProcedureSteps
from pacsgate.upstream.dimse.worklist import PeerWorklist


def worklists(dicom: DicomSettings) -> dict[TenantScope, PeerWorklist]:
    """The worklist, if there is one, with whose it is."""
    found = dicom.worklist
    return {} if found is None else {TenantScope(found.tenant): PeerWorklist(dicom_peer(found))}


def orders(dicom: DicomSettings) -> dict[TenantScope, WorklistOrders]:
    """The orders that the worklist knows, with whose they are."""
    found = dicom.worklist
    return {} if found is None else {TenantScope(found.tenant): WorklistOrders(dicom_peer(found))}


def procedure_steps(dicom: DicomSettings) -> dict[TenantScope, PeerProcedureSteps]:
    """Who keeps procedure steps, if anybody does, with whose they are."""
    found = dicom.procedure_steps
    return {} if found is None else {TenantScope(found.tenant): PeerProcedureSteps(dicom_peer(found))}
