"""C-STORE: an object that has arrived whole is decided on like one of STOW-RS, each by itself.

Called by `dispatch`.

Invariants:
- nothing that was allowed before makes an object allowed: study and series are judged
  again for each, and what is stored is what was received, byte for byte;
- a refusal reads the same whatever it hides.

Standard: PS3.4 annex B (Storage Service Class), B.2.3 (statuses); PS3.7 9.3.1.
"""

from collections.abc import Mapping

from pacsgate.dicom.summarise import read_summary_of_data_set
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.incoming import SpooledStore
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError, TooSoonError
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.services.resolve import Answer, Refusal
from pacsgate.services.store_instances import Spooled, Stored, StoreResult

_STATUSES: Mapping[StoreResult, Status] = {
    StoreResult.STORED: Status.SUCCESS,
    StoreResult.REFUSED: Status.NOT_AUTHORIZED,
    StoreResult.DUPLICATE: Status.DUPLICATE_SOP_INSTANCE,
    StoreResult.FAILED: Status.PROCESSING_FAILURE,
    StoreResult.MISPLACED: Status.IDENTIFIER_DOES_NOT_MATCH,
}
_COMMENTS: Mapping[Status, str] = {
    Status.NOT_AUTHORIZED: "not authorized",
    Status.NO_APPEND_PERMISSION: "No permission to append existing Study",
    Status.DUPLICATE_SOP_INSTANCE: "another object has this SOP Instance UID",
    Status.PROCESSING_FAILURE: "the archive could not take the object",
    Status.IDENTIFIER_DOES_NOT_MATCH: "the object has other UIDs than the command",
    Status.OUT_OF_RESOURCES: "no room for the object",
    Status.CANNOT_UNDERSTAND: "the object cannot be read",
}
"""At most 64 characters, and never more than the status says (PS3.7 E.1, LO)."""

_WRITING = (Action.STORE, Action.APPEND, Action.ANNOTATE)


def store(exchange: Exchange, operation: Operation) -> None:
    """Store one object, or say why not."""
    status = _stored(exchange, operation)
    operation.respond(status, comment=_COMMENTS.get(status))


def _stored(exchange: Exchange, operation: Operation) -> Status:
    request = operation.request
    bound = exchange.bind()
    never = [bound.could(action) for action in _WRITING]
    denied = [deny for deny in never if deny is not None]
    if len(denied) == len(never):
        refusal = Refusal(Answer.FORBIDDEN, denied[0].reasons, denied[0].revision, denied[0].message)
        exchange.refuse(refusal, bound, action=Action.STORE)
        return Status.NOT_AUTHORIZED
    if not isinstance(request, SpooledStore) or request.incoming is None:
        return Status.CANNOT_UNDERSTAND
    try:
        file = request.incoming.finish()
        with file.path.open("rb") as source:
            source.seek(request.incoming.data_set_offset)
            summary = read_summary_of_data_set(source, operation.transfer_syntax_uid)
    except RequestError as error:
        return Status.CANNOT_UNDERSTAND if error.status == 400 else Status.OUT_OF_RESOURCES
    named = (request.AffectedSOPClassUID, request.AffectedSOPInstanceUID)
    if named != (summary.sop_class_uid, summary.sop_instance_uid):
        return Status.IDENTIFIER_DOES_NOT_MATCH
    spooled = Spooled(summary, file.path, file.size, file.digest)
    gate = exchange.gate
    try:
        (outcome,) = gate.store.store(
            exchange.scope,
            exchange.archive,
            (spooled,),
            exchange.subject,
            bound,
            exchange.circumstances(bound),
        )
    except TooSoonError:
        return _refused(exchange)
    if outcome.result is StoreResult.STORED:
        _note(exchange, outcome)
    if outcome.result is StoreResult.REFUSED:
        return _refused(exchange)
    return _STATUSES[outcome.result]


def _note(exchange: Exchange, outcome: Stored) -> None:
    """Tell of the series when it has ended, as who stored its last object."""

    def tell() -> None:
        exchange.gate.store.end_series(
            exchange.scope, exchange.archive, (outcome,), exchange.subject, exchange.context
        )

    summary = outcome.summary
    exchange.established.series.goes_on(summary.study_instance_uid, summary.series_instance_uid, tell)


def _refused(exchange: Exchange) -> Status:
    """The one answer to everything that may not be stored, so that it does not tell what there is."""
    as_dcm4chee = exchange.gate.settings.refuses_as_dcm4chee
    return Status.NO_APPEND_PERMISSION if as_dcm4chee else Status.NOT_AUTHORIZED
