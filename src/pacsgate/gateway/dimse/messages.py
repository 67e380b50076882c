"""Fragments become messages, within bounds, and without holding an object in memory.

Takes the place of the library's own assembly, which collects whatever a peer
sends.  A command set or an identifier that grows too large, a fragment out of
order, a context that was not accepted: the association is aborted, before the
bytes are kept.

Made by the door's association, one per association; runs on the thread that
reads its socket.  Puts whole messages where the library looks for them.

Invariants:
- memory holds at most one command set, one identifier and `MAX_WAITING` messages;
- the data set of a C-STORE goes to disk fragment by fragment, for whoever may store and for nobody else.

Standard: PS3.7 6.3 (messages), 9.3, 10.3 (protocols); PS3.8 annex E (fragments).
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_CANCEL, DimsePrimitiveType
from pynetdicom.pdu_primitives import P_DATA

from pacsgate.gateway.dimse.incoming import IncomingObject, SpooledStore
from pacsgate.gateway.dimse.primitives import primitive_of
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.command_set import (
    Command,
    CommandSet,
    Element,
    decode_command,
    has_data_set,
    text_in,
)
from pacsgate.protocols.dimse.services import is_storage
from pacsgate.upstream.spool import Spool

if TYPE_CHECKING:
    from pynetdicom.association import Association

MAX_COMMAND_BYTES = 64 * 1024
MAX_IDENTIFIER_BYTES = 1024 * 1024
MAX_WAITING = 16
"""Messages not yet served.  No peer may send a second request before the first is answered, since no
asynchronous operations are negotiated (PS3.7 D.3.3.3); cancels and answers come in between."""

_IS_COMMAND, _IS_LAST = 1, 2
_INVALID_PDU = "Evt19"
"""The library's name of the event after which it aborts (PS3.8 table 9-8)."""


class _Unacceptable(Exception):  # noqa: N818 - it ends the association and is shown to nobody
    """The peer does not keep to the protocol."""


class _Message:
    """One message while it arrives."""

    def __init__(self, context_id: int) -> None:
        self.context_id = context_id
        self.command: CommandSet | None = None
        self.incoming: IncomingObject | None = None
        self._encoded = bytearray()
        self._identifier = bytearray()

    def add_command(self, fragment: memoryview, *, is_last: bool) -> None:
        if self.command is not None or len(self._encoded) + len(fragment) > MAX_COMMAND_BYTES:
            raise _Unacceptable
        self._encoded += fragment
        if is_last:
            self.command = decode_command(bytes(self._encoded))

    def add_data(self, fragment: memoryview) -> None:
        if self.command is None:
            raise _Unacceptable
        if self.incoming is not None:
            self.incoming.write(fragment)
        elif len(self._identifier) + len(fragment) > MAX_IDENTIFIER_BYTES:
            raise _Unacceptable
        else:
            self._identifier += fragment

    def primitive(self, command: CommandSet) -> DimsePrimitiveType:
        identifier = bytes(self._identifier) if has_data_set(command) else None
        return primitive_of(command, self.context_id, identifier, self.incoming)


class Messages(DIMSEServiceProvider):
    """The messages of one association; `spool` is asked when the first object comes."""

    def __init__(self, assoc: "Association", spool: Callable[[], Spool]) -> None:
        super().__init__(assoc)
        self._spool = spool
        self._arriving: _Message | None = None
        self._ended = False
        self._lock = Lock()

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the fragments of one P-DATA."""
        with self._lock:
            if self._ended:
                return
            try:
                for context_id, value in primitive.presentation_data_value_list:
                    self._take(context_id, memoryview(value))
            except (_Unacceptable, RequestError, TypeError, ValueError):
                self._discard_arriving()
                self.dul.event_queue.put(_INVALID_PDU)

    def discard(self) -> None:
        """The association is over: remove what was received for nobody."""
        with self._lock:
            self._ended = True
            self._discard_arriving()
            while not self.msg_queue.empty():
                _, message = self.msg_queue.get_nowait()
                if isinstance(message, SpooledStore) and message.incoming is not None:
                    message.incoming.discard()

    def _take(self, context_id: int, value: memoryview) -> None:
        if not value or context_id not in self.assoc._accepted_cx:  # noqa: SLF001 - nothing public tells
            raise _Unacceptable
        if self._arriving is None:
            self._arriving = _Message(context_id)
        message = self._arriving
        if message.context_id != context_id:
            raise _Unacceptable
        control, fragment = value[0], value[1:]
        is_last = bool(control & _IS_LAST)
        if control & _IS_COMMAND:
            message.add_command(fragment, is_last=is_last)
        else:
            message.add_data(fragment)
        if not is_last or message.command is None:
            return
        if control & _IS_COMMAND and has_data_set(message.command):
            self._begin(message, message.command)
        else:
            self._deliver(message, message.command)

    def _begin(self, message: _Message, command: CommandSet) -> None:
        """A data set follows; that of a C-STORE goes to disk, where objects may be stored at all."""
        if command[Element.COMMAND_FIELD] == Command.C_STORE_RQ and self._takes_objects(message.context_id):
            message.incoming = IncomingObject(self._spool())
            message.incoming.begin(
                text_in(command, Element.AFFECTED_SOP_CLASS_UID),
                text_in(command, Element.AFFECTED_SOP_INSTANCE_UID),
                str(self.assoc._accepted_cx[message.context_id].transfer_syntax[0]),  # noqa: SLF001 - as above
            )

    def _takes_objects(self, context_id: int) -> bool:
        """Whether the peer may store over this context: one of Storage, and not only so that it receives."""
        context = self.assoc._accepted_cx[context_id]  # noqa: SLF001 - as above
        return is_storage(str(context.abstract_syntax)) and context.as_scp is not False

    def _deliver(self, message: _Message, command: CommandSet) -> None:
        whole = message.primitive(command)
        if isinstance(whole, C_CANCEL):
            if whole.MessageIDBeingRespondedTo is not None:
                self.cancel_req = {whole.MessageIDBeingRespondedTo: whole}
        elif self.msg_queue.qsize() >= MAX_WAITING:
            raise _Unacceptable
        else:
            self.msg_queue.put((message.context_id, whole))
        self._arriving = None

    def _discard_arriving(self) -> None:
        if self._arriving is not None and self._arriving.incoming is not None:
            self._arriving.incoming.discard()
        self._arriving = None
