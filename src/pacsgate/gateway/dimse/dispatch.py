"""Each request message goes to the handler of its service, and is answered whatever happens.

Called by `house`, on the association's thread, one message after the other.

Invariants:
- no handler runs for somebody who may not go on, on a context of another service, or for
  a message that its service does not have;
- what breaks is on record as a denial and answered 0110H; nothing is sent after that;
- what a C-STORE brought and no archive took is gone when the answer is out.

Standard: PS3.7 annex C (statuses), 9.1, 10.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pynetdicom.dimse_primitives import (
    C_ECHO,
    C_FIND,
    C_GET,
    C_MOVE,
    C_STORE,
    N_ACTION,
    N_CREATE,
    N_SET,
    DimseServiceType,
)
from pynetdicom.presentation import PresentationContext

from pacsgate.gateway.dimse.association import GateAssociation, PeerGoneError
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.handlers import HANDLERS
from pacsgate.gateway.dimse.incoming import SpooledStore
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.primitives import Request, data_set_of, named_class
from pacsgate.gateway.dimse.standing import Standing
from pacsgate.gateway.dimse.tally import OPERATIONS
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError, RecordError
from pacsgate.protocols.dimse.services import Service, ServiceKind, service_of
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.record import Circumstances, actor_of

_log = structlog.get_logger("pacsgate.dicom")

_MESSAGES: Mapping[ServiceKind, tuple[type[Request], ...]] = {
    ServiceKind.ECHO: (C_ECHO,),
    ServiceKind.FIND: (C_FIND,),
    ServiceKind.MOVE: (C_MOVE,),
    ServiceKind.GET: (C_GET,),
    ServiceKind.STORE: (C_STORE,),
    ServiceKind.WORKLIST: (C_FIND,),
    ServiceKind.PROCEDURE_STEP: (N_CREATE, N_SET),
    ServiceKind.COMMITMENT: (N_ACTION,),
}
"""Which requests each service has."""


@dataclass(frozen=True, slots=True)
class _Unserved:
    status: Status
    comment: str


def serve(
    standing: Standing, association: GateAssociation, message: DimseServiceType, context_id: int
) -> None:
    """Serve one message."""
    try:
        context = association._accepted_cx[context_id]  # noqa: SLF001 - what is public sorts them all
        if message.MessageIDBeingRespondedTo is None:
            _serve(standing, association, message, context)
    except PeerGoneError:
        _log.info("peer gone before its answer", association=association.identifier)
    finally:
        association.dimse.cancel_req = {}
        if isinstance(message, SpooledStore) and message.incoming is not None:
            message.incoming.discard()


def _serve(
    standing: Standing, association: GateAssociation, message: DimseServiceType, context: PresentationContext
) -> None:
    service = service_of(str(context.abstract_syntax))
    if service is None:
        association.cut_off()
        return
    operation = Operation(association, message, context, service, data_set_of(message))
    unserved = _unserved(service, message, context)
    if unserved is not None:
        operation.respond(unserved.status, comment=unserved.comment)
        return
    subject = standing.look()
    if subject is None:
        association.cut_off()
        return
    exchange = standing.exchange(operation.message_id, subject)
    outcome = _handled(exchange, operation)
    OPERATIONS.labels(service.kind.value, outcome).inc()


def _unserved(service: Service, message: Request, context: PresentationContext) -> _Unserved | None:
    """What is wrong with a message before anybody asks what it wants."""
    if not isinstance(message, _MESSAGES[service.kind]) or service.kind not in HANDLERS:
        return _Unserved(Status.UNRECOGNIZED_OPERATION, "this SOP class has no such operation")
    if not message.is_valid_request:
        return _Unserved(Status.MISTYPED_ARGUMENT, "the command set is not complete")
    if named_class(message) != context.abstract_syntax:
        return _Unserved(Status.SOP_CLASS_NOT_SUPPORTED, "another SOP class than that of the context")
    return None


def _handled(exchange: Exchange, operation: Operation) -> str:
    """Run the handler; a word for how it ended."""
    try:
        HANDLERS[operation.service.kind](exchange, operation)
    except PeerGoneError:
        raise
    except RecordError as error:
        _log.error("nothing can be recorded", detail=error.detail)
        _give_up(operation)
        return "unrecorded"
    except PacsgateError as error:
        _log.error(
            "operation failed", service=operation.service.kind, error=error.public, detail=error.detail
        )
        _record_failure(exchange)
        _give_up(operation)
        return "failed"
    except Exception:  # noqa: BLE001 - the outermost edge of an operation: what is broken is denied
        _log.exception("operation broke", service=operation.service.kind)
        _record_failure(exchange)
        _give_up(operation)
        return "broken"
    return "answered"


def _give_up(operation: Operation) -> None:
    if not operation.is_answered:
        operation.respond(Status.PROCESSING_FAILURE, comment="the request could not be processed")


def _record_failure(exchange: Exchange) -> None:
    circumstances = Circumstances(
        exchange.context,
        actor_of(exchange.subject, exchange.context),
        exchange.subject.tenant,
        exchange.archive,
    )
    try:
        exchange.record(circumstances.denial((Reason(ReasonCode.INTERNAL_ERROR),)))
    except RecordError as error:
        _log.error("nothing can be recorded", detail=error.detail)
