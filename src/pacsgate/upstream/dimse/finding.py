"""C-FIND as a client: rows one by one, and never more than one could want.

Called by `listing` and `worklist`.

Standard: PS3.4 C.4.1 (C-FIND), K.4.1 (worklist); PS3.7 9.3.2.
"""

from collections.abc import Iterator

from pydicom.dataset import Dataset

from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.protocols.dimse.command_set import Command, Element, has_data_set, number_in
from pacsgate.protocols.dimse.data_sets import read_data_set, write_data_set
from pacsgate.protocols.dimse.elements import ENCODINGS
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.associations import Association
from pacsgate.upstream.dimse.connection import nonsense
from pacsgate.upstream.dimse.negotiation import Proposal

MEDIUM_PRIORITY = 0x0000
_PENDING = frozenset({Status.PENDING, Status.PENDING_WITHOUT_OPTIONAL_KEYS})
_TOO_MANY = frozenset({Status.OUT_OF_RESOURCES, Status.CANCEL})
"""How peers say that they do not tell all: dcm4chee the one, Orthanc the other."""


class TooManyRowsError(ArchiveError):
    """More was found than the peer tells, or than is taken from it."""

    def __init__(self) -> None:
        super().__init__("the DICOM peer finds more than it tells")


def query_proposal(sop_class_uid: str, extended: bytes = b"") -> Proposal:
    """The context of a query or retrieve service, whose data sets are identifiers."""
    return Proposal(sop_class_uid, tuple(ENCODINGS), extended=extended)


def find(
    association: Association, sop_class_uid: str, identifier: Dataset, *, limit: int
) -> Iterator[Dataset]:
    """Each row that the peer answers; left early, the association is over.

    Raises `ArchiveError`, also between rows, and `TooManyRowsError` beyond the limit.
    """
    context_id = required_context(association, sop_class_uid)
    syntax = association.transfer_syntax(context_id)
    message_id = association.request(
        context_id,
        Command.C_FIND_RQ,
        {Element.AFFECTED_SOP_CLASS_UID: sop_class_uid, Element.PRIORITY: MEDIUM_PRIORITY},
        (write_data_set(identifier, syntax),),
    )
    rows = 0
    is_answered = False
    try:
        while True:
            message = association.answer(Command.C_FIND_RSP, message_id)
            status = number_in(message.command, Element.STATUS)
            if status not in _PENDING:
                is_answered = True
                _require_success(status)
                return
            rows += 1
            if rows > limit:
                raise TooManyRowsError
            if not has_data_set(message.command):
                raise nonsense("a row without a data set")
            yield _row(message.data_set, syntax)
    finally:
        if not is_answered:
            association.abort()


def required_context(association: Association, sop_class_uid: str) -> int:
    """The context of a service.  Raises `ArchiveError` if the peer does not offer it."""
    context_id = association.context_for(sop_class_uid)
    if context_id is None:
        raise ArchiveError("the DICOM peer does not offer the service", detail=sop_class_uid)
    return context_id


def _row(encoded: bytes, transfer_syntax_uid: str) -> Dataset:
    try:
        return read_data_set(encoded, transfer_syntax_uid)
    except RequestError as damage:
        raise nonsense(damage.public) from None


def _require_success(status: int | None) -> None:
    if status in _TOO_MANY:
        raise TooManyRowsError
    if status != Status.SUCCESS:
        raise ArchiveError("the DICOM peer refuses to search", detail=f"status {status or 0:04X}")
