"""One request message of an association, and how it is answered.

A handler gets an `Exchange` (who asks, under which circumstances) and an
`Operation` (what is asked).  It decides, records, and only then responds; its last
response is the one whose status is not pending.

    def find(exchange: Exchange, operation: Operation) -> None: ...

Made by `dispatch`; called by the handlers.

Invariants:
- the data set of a C-STORE waits in the archive's spool (`request.incoming`); what the archive did
  not take is removed when the handler returns;
- `respond` returns when the response is with the system, and waits while the peer does not read;
- what `respond_each` holds back leaves before any later response, and with it;
- after the final response nothing more is sent for the operation.

Standard: PS3.7 chapters 9 and 10; annex C (statuses), (0000,0902) Error Comment.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pynetdicom.dimse_primitives import C_STORE, N_ACTION, N_CREATE
from pynetdicom.presentation import PresentationContext

from pacsgate.gateway.dimse.association import GateAssociation
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.primitives import REQUESTED, Request, command_of, named_class
from pacsgate.protocols.dimse.command_set import (
    DATA_SET_FOLLOWS,
    NO_DATA_SET,
    RESPONSE,
    CommandValue,
    Element,
    encode_command,
)
from pacsgate.protocols.dimse.services import Service
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.fragments import messages_alike, p_data

Handler = Callable[[Exchange, "Operation"], None]
"""What serves one kind of service."""

_PENDING = frozenset({Status.PENDING, Status.PENDING_WITHOUT_OPTIONAL_KEYS})
_COMMENT_LENGTH = 64
_BATCH_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SubOperations:
    """Counts of a C-MOVE or C-GET (PS3.4 C.4.2.1.6); `remaining` is for pending and cancelled ones."""

    completed: int
    failed: int = 0
    warning: int = 0
    remaining: int | None = None


@dataclass(slots=True)
class Operation:
    """One request message and its responses."""

    association: GateAssociation
    request: Request
    context: PresentationContext
    """As accepted: its `abstract_syntax`, and one `transfer_syntax`."""
    service: Service
    identifier: bytes = b""
    """The encoded data set that came with it, of any request but C-STORE; empty for none."""
    is_answered: bool = field(default=False, init=False)
    """Whether the final response was given."""
    _held_back: list[bytes] = field(default_factory=list, init=False)
    """Pending responses that leave with what follows them."""

    @property
    def transfer_syntax_uid(self) -> str:
        """How the data sets of this operation are encoded, both ways."""
        return str(self.context.transfer_syntax[0])

    @property
    def context_id(self) -> int:
        """ID of the presentation context."""
        return self.context.context_id or 0

    @property
    def message_id(self) -> int:
        """Message ID (0000,0110)."""
        return self.request.MessageID or 0

    def respond(
        self,
        status: int,
        *,
        identifier: bytes | None = None,
        comment: str | None = None,
        sub_operations: SubOperations | None = None,
    ) -> None:
        """Send one response; `identifier` is its encoded data set, `status` mostly a `Status`.

        Raises `PeerGoneError` when there is nobody to send it to.
        """
        self.is_answered = status not in _PENDING
        values = self._response(status)
        if comment is not None:
            values[Element.ERROR_COMMENT] = comment[:_COMMENT_LENGTH]
        if sub_operations is not None:
            values.update(_counts(sub_operations))
        values[Element.COMMAND_DATA_SET_TYPE] = NO_DATA_SET if identifier is None else DATA_SET_FOLLOWS
        data_set = () if identifier is None else (identifier,)
        longest = self.association.dimse.maximum_pdu_size
        for buffer in p_data(self.context_id, encode_command(values), data_set, longest):
            self._held_back.append(buffer)
            self._send()

    def respond_each(self, status: Status, identifiers: Iterable[bytes]) -> None:
        """Send a pending response with each identifier, many at a time, the last few with what follows.

        Raises `PeerGoneError`.
        """
        command = encode_command({**self._response(status), Element.COMMAND_DATA_SET_TYPE: DATA_SET_FOLLOWS})
        longest = self.association.dimse.maximum_pdu_size
        size = sum(map(len, self._held_back))
        for message in messages_alike(self.context_id, command, identifiers, longest):
            self._held_back.append(message)
            size += len(message)
            if size >= _BATCH_BYTES:
                self._send()
                size = 0

    def is_cancelled(self) -> bool:
        """Whether the requestor has sent a C-CANCEL for this operation."""
        return self.message_id in self.association.dimse.cancel_req

    def _send(self) -> None:
        batch = b"".join(self._held_back)
        self._held_back.clear()
        self.association.send_pdus(batch)

    def _response(self, status: int) -> dict[int, CommandValue]:
        return {
            **self._names(),
            Element.COMMAND_FIELD: command_of(self.request) | RESPONSE,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: self.message_id,
            Element.STATUS: int(status),
        }

    def _names(self) -> dict[int, CommandValue]:
        """Class and instance as the request names them; a response always calls them affected."""
        request = self.request
        sop_class = named_class(request)
        if isinstance(request, REQUESTED):
            instance = request.RequestedSOPInstanceUID
        else:
            instance = request.AffectedSOPInstanceUID if isinstance(request, C_STORE | N_CREATE) else None
        values: dict[int, CommandValue] = {}
        if sop_class is not None:
            values[Element.AFFECTED_SOP_CLASS_UID] = sop_class
        if instance is not None:
            values[Element.AFFECTED_SOP_INSTANCE_UID] = str(instance)
        if isinstance(request, N_ACTION) and request.ActionTypeID is not None:
            values[Element.ACTION_TYPE_ID] = request.ActionTypeID
        return values


def _counts(sub_operations: SubOperations) -> Mapping[int, CommandValue]:
    counts: dict[int, CommandValue] = {
        Element.NUMBER_OF_COMPLETED_SUB_OPERATIONS: sub_operations.completed,
        Element.NUMBER_OF_FAILED_SUB_OPERATIONS: sub_operations.failed,
        Element.NUMBER_OF_WARNING_SUB_OPERATIONS: sub_operations.warning,
    }
    if sub_operations.remaining is not None:
        counts[Element.NUMBER_OF_REMAINING_SUB_OPERATIONS] = sub_operations.remaining
    return counts
