"""An association that the gate requests: open, exchange messages one after another, release.

pynetdicom's own runs two threads for each, polls, and reads whole objects into memory;
the gate as SCU asks one thing at a time and waits for the answer, so one blocking
socket does (docs/decisions/0012-an-association-of-ours-is-one-blocking-socket.md).

Called by everything in this package that asks a peer for something.

Invariants:
- left by an exception, it is aborted; left otherwise, released; the socket is closed in both cases.

Standard: PS3.8 7 (services), 9.2 (as requestor: Sta5, Sta6, Sta7); PS3.7 annex C.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Self

from pacsgate.model.errors import ArchiveError
from pacsgate.ports import Chunk
from pacsgate.protocols.dimse.command_set import (
    DATA_SET_FOLLOWS,
    NO_DATA_SET,
    RESPONSE,
    Command,
    CommandSet,
    CommandValue,
    Element,
    encode_command,
    number_in,
)
from pacsgate.protocols.dimse.pdus import PduType, type_of
from pacsgate.upstream.dimse.connection import Connection, connect, nonsense, unreachable
from pacsgate.upstream.dimse.fragments import p_data
from pacsgate.upstream.dimse.messages import Ended, Message, Opening, read_message
from pacsgate.upstream.dimse.negotiation import (
    MOST_CONTEXTS,
    Agreement,
    Proposal,
    agreement,
    associate_request,
    rejection,
)
from pacsgate.upstream.dimse.peer import Peer

_RELEASE_RQ = bytes((PduType.A_RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0))
_MOST_MESSAGES = 0xFFFF


class Association:
    """An association in data transfer.  A context manager, for one thread at a time."""

    def __init__(self, connection: Connection, agreed: Agreement) -> None:
        self._connection = connection
        self._agreed = agreed
        self._message_id = 0
        self._is_over = False

    def context_for(self, abstract_syntax: str, transfer_syntax: str | None = None) -> int | None:
        """The accepted context of this class and, if it is given, this transfer syntax."""
        for context_id, context in self._agreed.contexts.items():
            if context.abstract_syntax == abstract_syntax and transfer_syntax in {
                None,
                context.transfer_syntax,
            }:
                return context_id
        return None

    def transfer_syntax(self, context_id: int) -> str:
        """The transfer syntax of an accepted context."""
        return self._agreed.contexts[context_id].transfer_syntax

    def abstract_syntax(self, context_id: int) -> str:
        """The SOP class of an accepted context."""
        return self._agreed.contexts[context_id].abstract_syntax

    def request(
        self, context_id: int, command: Command, elements: CommandSet, data_set: Iterable[Chunk] | None = None
    ) -> int:
        """Send a request; the answer is its message id."""
        self._message_id = self._message_id % _MOST_MESSAGES + 1
        self._send(
            context_id,
            {**elements, Element.COMMAND_FIELD: command, Element.MESSAGE_ID: self._message_id},
            data_set,
        )
        return self._message_id

    def respond(self, context_id: int, request: CommandSet, elements: CommandSet) -> None:
        """Answer a request of the peer's, without a data set."""
        echoed: dict[int, CommandValue] = {
            element: request[element]
            for element in (Element.AFFECTED_SOP_CLASS_UID, Element.AFFECTED_SOP_INSTANCE_UID)
            if element in request
        }
        answer: dict[int, CommandValue] = {
            Element.COMMAND_FIELD: (number_in(request, Element.COMMAND_FIELD) or 0) | RESPONSE,
            Element.MESSAGE_ID_BEING_RESPONDED_TO: number_in(request, Element.MESSAGE_ID) or 0,
        }
        self._send(context_id, {**echoed, **answer, **elements}, None)

    def receive(self, opening: Opening | None = None) -> Message:
        """The peer's next message.  Raises `ArchiveError` when the association ends instead."""
        try:
            message = read_message(self._connection, self._agreed.contexts, opening)
        except ArchiveError:
            self.abort()
            raise
        if isinstance(message, Ended):
            self.abort()
            raise unreachable(f"it ended the association ({message.kind.name})")
        return message

    def answer(self, command: Command, message_id: int) -> Message:
        """The peer's response to a request.  Raises `ArchiveError` for anything else."""
        message = self.receive()
        self.expect(message, command, message_id)
        return message

    def expect(self, message: Message, command: Command, message_id: int) -> None:
        """Abort and raise `ArchiveError` unless a message is the response to a request."""
        field = number_in(message.command, Element.COMMAND_FIELD)
        answered = number_in(message.command, Element.MESSAGE_ID_BEING_RESPONDED_TO)
        if (field, answered) != (command, message_id):
            self.abort()
            raise nonsense(f"command {field} about message {answered}")

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be asked."""
        return self._is_over

    def is_quiet(self) -> bool:
        """Whether the peer says nothing, as it must between one request and the next."""
        return not self._is_over and not self._connection.is_readable()

    def release(self) -> None:
        """End in order.  A peer that does not say goodbye is left without."""
        if self._is_over:
            return
        self._is_over = True
        with suppress(ArchiveError):
            self._connection.write([_RELEASE_RQ])
            self._connection.read()
        self._connection.close()

    def abort(self) -> None:
        """End at once."""
        if not self._is_over:
            self._is_over = True
            self._connection.abort()

    def interrupt(self) -> None:
        """End at once, from another thread: whoever waits for the peer gets an `ArchiveError`."""
        self._connection.interrupt()

    def _send(self, context_id: int, elements: CommandSet, data_set: Iterable[Chunk] | None) -> None:
        kind = NO_DATA_SET if data_set is None else DATA_SET_FOLLOWS
        command = encode_command({**elements, Element.COMMAND_DATA_SET_TYPE: kind})
        try:
            self._connection.write(p_data(context_id, command, data_set or (), self._agreed.maximum_length))
        except ArchiveError:
            self.abort()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.release()
        else:
            self.abort()


def associate(peer: Peer, proposals: Sequence[Proposal]) -> Association:
    """Open an association.  Raises `ArchiveError`; that no context was accepted is no error here."""
    if len(proposals) > MOST_CONTEXTS:
        raise ValueError(f"{len(proposals)} presentation contexts for one association")
    connection = connect(peer)
    try:
        connection.write([associate_request(peer, proposals)])
        answer = connection.read()
        kind = type_of(answer)
        if kind is PduType.A_ASSOCIATE_RJ:
            raise rejection(answer)
        if kind is not PduType.A_ASSOCIATE_AC:
            raise nonsense(f"{kind.name} instead of an answer to the association request")
        return Association(connection, agreement(proposals, answer))
    except ArchiveError:
        connection.abort()
        raise
