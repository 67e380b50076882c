"""Messages about procedure steps, handed on to whoever keeps them.

Called by the use cases through `pacsgate.ports.procedure_steps`.

Invariants:
- a data set is handed on as it came; the answer's status is the peer's.

Standard: PS3.4 annex F (MPPS); PS3.7 10.1.3 (N-SET), 10.1.5 (N-CREATE).
"""

from pacsgate.model.errors import ArchiveError
from pacsgate.ports.procedure_steps import StepAnswer
from pacsgate.protocols.dimse.command_set import Command, CommandSet, Element, number_in
from pacsgate.protocols.dimse.services import MODALITY_PERFORMED_PROCEDURE_STEP
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.peer import Peer


class PeerProcedureSteps:
    """One SCP of procedure steps (`pacsgate.ports.procedure_steps.ProcedureSteps`)."""

    def __init__(self, peer: Peer) -> None:
        self._pool = AssociationPool(peer)

    def create(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        """Hand on an N-CREATE.  Raises `ArchiveError`."""
        elements: CommandSet = {
            Element.AFFECTED_SOP_CLASS_UID: MODALITY_PERFORMED_PROCEDURE_STEP,
            Element.AFFECTED_SOP_INSTANCE_UID: sop_instance_uid,
        }
        return self._ask(Command.N_CREATE_RQ, Command.N_CREATE_RSP, elements, encoded, transfer_syntax_uid)

    def change(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        """Hand on an N-SET.  Raises `ArchiveError`."""
        elements: CommandSet = {
            Element.REQUESTED_SOP_CLASS_UID: MODALITY_PERFORMED_PROCEDURE_STEP,
            Element.REQUESTED_SOP_INSTANCE_UID: sop_instance_uid,
        }
        return self._ask(Command.N_SET_RQ, Command.N_SET_RSP, elements, encoded, transfer_syntax_uid)

    def close(self) -> None:
        """Release what is idle."""
        self._pool.close()

    def _ask(
        self, request: Command, response: Command, elements: CommandSet, encoded: bytes, syntax: str
    ) -> StepAnswer:
        with self._pool.borrowed([Proposal(MODALITY_PERFORMED_PROCEDURE_STEP, (syntax,))]) as association:
            context_id = association.context_for(MODALITY_PERFORMED_PROCEDURE_STEP)
            if context_id is None:
                raise ArchiveError("the keeper of procedure steps takes no such messages")
            message_id = association.request(context_id, request, elements, (encoded,))
            answer = association.answer(response, message_id)
        status = number_in(answer.command, Element.STATUS)
        if status is None:
            raise ArchiveError("the DICOM peer answers nonsense", detail="a response without a status")
        return StepAnswer(status, answer.data_set or None)
