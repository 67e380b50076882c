"""Whether a remote application entity answers: one C-ECHO.

Called by `pacsgate.cli.devices`.

Standard: PS3.4 annex A (Verification Service Class).
"""

from pydicom.uid import ImplicitVRLittleEndian

from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.command_set import Command, CommandValue, Element, number_in
from pacsgate.protocols.dimse.services import VERIFICATION
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.associations import associate
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import Peer


def verify(peer: Peer) -> None:
    """Associate and have a C-ECHO answered.  Raises `ArchiveError` with what went wrong."""
    with associate(peer, [Proposal(VERIFICATION, (str(ImplicitVRLittleEndian),))]) as association:
        context_id = association.context_for(VERIFICATION)
        if context_id is None:
            raise ArchiveError("the DICOM peer does not take verification")
        elements: dict[int, CommandValue] = {Element.AFFECTED_SOP_CLASS_UID: VERIFICATION}
        message_id = association.request(context_id, Command.C_ECHO_RQ, elements)
        status = number_in(association.answer(Command.C_ECHO_RSP, message_id).command, Element.STATUS)
        if status != Status.SUCCESS:
            raise ArchiveError(f"the DICOM peer answers a C-ECHO with status {status or 0:04X}H")
