"""MPPS: N-CREATE and N-SET are judged, recorded and handed on; the answer is the SCP's own.

Called by `dispatch`.

Standard: PS3.4 annex F; PS3.7 10.1.3 (N-SET), 10.1.5 (N-CREATE).
"""

from uuid import uuid4

from pynetdicom.dimse_primitives import N_CREATE, N_SET

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.policy.engine import Bound
from pacsgate.ports.procedure_steps import StepAnswer
from pacsgate.protocols.dimse.data_sets import read_data_set
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.relay_procedure_steps import RelayProcedureSteps, StepMessage
from pacsgate.services.resolve import Answer, Refusal


def relay(exchange: Exchange, operation: Operation) -> None:
    """Hand on one message about a step."""
    relaying = exchange.gate.procedure_steps.get(exchange.scope)
    bound = exchange.bind()
    never = bound.could(Action.STORE)
    if relaying is None:
        operation.respond(Status.SOP_CLASS_NOT_SUPPORTED, comment="no procedure steps are kept")
        return
    if never is not None:
        refusal = Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        exchange.refuse(refusal, bound, action=Action.STORE)
        operation.respond(Status.NOT_AUTHORIZED, comment="not authorized")
        return
    try:
        message = _message(operation)
        answer = _relayed(exchange, operation, relaying, message, bound)
    except RequestError as error:
        operation.respond(Status.INVALID_ATTRIBUTE_VALUE, comment=error.public[:64])
    except ArchiveError:
        operation.respond(Status.PROCESSING_FAILURE, comment="the keeper of procedure steps did not answer")
    else:
        if answer is None:
            operation.respond(Status.NOT_AUTHORIZED, comment="not authorized")
        else:
            operation.respond(answer.status, identifier=answer.attributes)


def _message(operation: Operation) -> StepMessage:
    """The message; a new step without a UID is given one.  Raises `RequestError`."""
    request = operation.request
    if isinstance(request, N_SET):
        uid = str(request.RequestedSOPInstanceUID or "")
    elif isinstance(request, N_CREATE):
        uid = str(request.AffectedSOPInstanceUID or f"2.25.{uuid4().int}")
        request.AffectedSOPInstanceUID = uid
    else:
        raise RequestError("a procedure step is created and changed, nothing else")
    if not is_valid_uid(uid):
        raise RequestError("the step has no valid UID")
    syntax = operation.transfer_syntax_uid
    data_set = read_data_set(operation.identifier, syntax)
    return StepMessage(uid, data_set, operation.identifier, syntax)


def _relayed(
    exchange: Exchange,
    operation: Operation,
    relaying: RelayProcedureSteps,
    message: StepMessage,
    bound: Bound,
) -> StepAnswer | None:
    circumstances = exchange.circumstances(bound)
    if isinstance(operation.request, N_SET):
        return relaying.change(exchange.scope, exchange.archive, message, exchange.subject, circumstances)
    return relaying.create(exchange.scope, exchange.archive, message, exchange.subject, bound, circumstances)
