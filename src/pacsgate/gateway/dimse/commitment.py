"""Storage Commitment Push Model: the request is taken, each object looked for, and the result reported.

The report goes over the association of the request while its requestor waits there,
else, a moment later, over one of our own to the requestor's entry among the application
entities.

Called by `dispatch`.

Invariants:
- what is hidden and what does not exist is reported alike, and not sooner than a time
  that follows from the number of objects asked about;
- the result is on record before it is reported;
- nothing is reported to an address for a calling AE title that nothing has proven.

Standard: PS3.4 annex J; PS3.7 10.1.1 (N-EVENT-REPORT), 10.1.4 (N-ACTION).
"""

import time
from collections.abc import Mapping

import structlog
from pynetdicom.dimse_primitives import N_ACTION, N_EVENT_REPORT

from pacsgate.audit.events import EventKind
from pacsgate.gateway.dimse.association import GateAssociation, PeerGoneError
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dimse.command_set import Command, CommandValue, Element
from pacsgate.protocols.dimse.commitment import (
    REQUEST_COMMITMENT,
    WELL_KNOWN_INSTANCE,
    CommitmentRequest,
    Failure,
    Reference,
    read_request,
    report,
)
from pacsgate.protocols.dimse.data_sets import read_data_set, write_data_set
from pacsgate.protocols.dimse.services import COMMITMENT_PUSH_MODEL
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.commit_storage import Keeping
from pacsgate.services.resolve import Answer, Refusal

_log = structlog.get_logger("pacsgate.dicom")

_SECONDS_PER_OBJECT = 0.01
"""Several times what looking for one takes, found, hidden or missing."""
_ACKNOWLEDGED_WITHIN = 10.0
_GOES_ON_WITHIN = 1.0
"""For how long a requestor that has sent something else may still acknowledge."""

_REASONS: Mapping[Keeping, Status] = {
    Keeping.UNKNOWN: Status.NO_SUCH_SOP_INSTANCE,
    Keeping.OTHER_CLASS: Status.CLASS_INSTANCE_CONFLICT,
    Keeping.UNDECIDED: Status.PROCESSING_FAILURE,
}


def commit(exchange: Exchange, operation: Operation) -> None:
    """Take a request, and report what became of it."""
    request = operation.request
    if not isinstance(request, N_ACTION) or request.ActionTypeID != REQUEST_COMMITMENT:
        operation.respond(Status.NO_SUCH_ACTION, comment="the action is not known")
        return
    bound = exchange.bind()
    never = bound.could(Action.SEARCH)
    if never is not None:
        refusal = Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        exchange.refuse(refusal, bound, action=Action.SEARCH)
        operation.respond(Status.NOT_AUTHORIZED, comment="not authorized")
        return
    if request.RequestedSOPInstanceUID != WELL_KNOWN_INSTANCE:
        operation.respond(Status.NO_SUCH_SOP_INSTANCE, comment="not the well-known instance")
        return
    try:
        asked = read_request(read_data_set(operation.identifier, operation.transfer_syntax_uid))
    except RequestError as error:
        too_many = error.status == 413
        operation.respond(
            Status.PROCESSING_FAILURE if too_many else Status.INVALID_ATTRIBUTE_VALUE,
            comment=error.public[:64],
        )
        return
    operation.respond(Status.SUCCESS)
    _report(exchange, operation, *_result(exchange, asked, bound))


_Result = tuple[CommitmentRequest, tuple[Reference, ...], tuple[Failure, ...]]


def _result(exchange: Exchange, asked: CommitmentRequest, bound: Bound) -> _Result:
    """Look for each object; the result is on record when this returns."""
    since = time.monotonic()
    kept: list[Reference] = []
    failed: list[Failure] = []
    for reference in asked.references:
        bound = exchange.bind_again()  # ten thousand take minutes
        keeping = exchange.gate.commit_storage.keeping(
            exchange.scope, exchange.archive, reference.sop_class_uid, reference.sop_instance_uid, bound
        )
        if keeping is Keeping.KEPT:
            kept.append(reference)
        else:
            failed.append(Failure(reference, _REASONS[keeping]))
    exchange.record(
        exchange.circumstances(bound).event(
            EventKind.COMMITMENT_ASKED,
            action=Action.SEARCH,
            query=" ".join(reference.sop_instance_uid for reference in asked.references),
            count=len(kept),
            details={"transaction_uid": asked.transaction_uid},
        )
    )
    exchange.established.withdrawn.wait(
        max(0.0, since + len(asked.references) * _SECONDS_PER_OBJECT - time.monotonic())
    )
    return asked, tuple(kept), tuple(failed)


def _report(
    exchange: Exchange,
    operation: Operation,
    asked: CommitmentRequest,
    kept: tuple[Reference, ...],
    failed: tuple[Failure, ...],
) -> None:
    event_type_id, information = report(asked, kept, failed)
    encoded = write_data_set(information, operation.transfer_syntax_uid)
    if _told_here(operation, event_type_id, encoded):
        return
    established = exchange.established
    proven = established.admitted.remote
    remote = None if proven is None else exchange.gate.remote_aes.remote_ae(exchange.scope, proven.ae_title)
    if remote is None or not remote.is_valid(exchange.gate.clock.now()) or remote.host is None:
        _log.warning("storage commitment not reported: its requestor is gone, and has no address")
        return
    exchange.gate.commitment_reports.post(
        remote, event_type_id, information, calling_ae_title=established.requestor.called.ae_title
    )


def _told_here(operation: Operation, event_type_id: int, encoded: bytes) -> bool:
    """Report over the requestor's association; whether it has acknowledged that."""
    association = operation.association
    if _is_leaving(association):
        return False
    command: dict[int, CommandValue] = {
        Element.COMMAND_FIELD: int(Command.N_EVENT_REPORT_RQ),
        Element.MESSAGE_ID: operation.message_id,
        Element.AFFECTED_SOP_CLASS_UID: COMMITMENT_PUSH_MODEL,
        Element.AFFECTED_SOP_INSTANCE_UID: WELL_KNOWN_INSTANCE,
        Element.EVENT_TYPE_ID: event_type_id,
    }
    try:
        association.send_message(operation.context_id, command, (encoded,))
    except PeerGoneError:
        return False
    return _is_acknowledged(association)


def _is_acknowledged(association: GateAssociation) -> bool:
    """Wait for the acknowledgement; not for a requestor that goes, and not long for one that goes on."""
    deadline = time.monotonic() + _ACKNOWLEDGED_WITHIN
    while (left := deadline - time.monotonic()) > 0:
        answer = _acknowledgement(association)
        if answer is not None:
            return answer.Status == Status.SUCCESS
        if _is_leaving(association):
            return False
        if not association.dimse.msg_queue.empty():
            deadline = min(deadline, time.monotonic() + _GOES_ON_WITHIN)
        association.await_news(left)
    return False


def _acknowledgement(association: GateAssociation) -> N_EVENT_REPORT | None:
    """The response to a report, taken from among the messages that wait."""
    waiting = association.dimse.msg_queue
    with waiting.mutex:
        for entry in waiting.queue:
            message = entry[1]
            if isinstance(message, N_EVENT_REPORT) and message.MessageIDBeingRespondedTo is not None:
                waiting.queue.remove(entry)
                return message
    return None


def _is_leaving(association: GateAssociation) -> bool:
    """Whether a release or an abort waits to be dealt with; looking does not take it away."""
    return not association.is_established or association.dul.peek_next_pdu() is not None
