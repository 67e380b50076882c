"""Messages put together from PDUs, within bounds that hold while they arrive.

Called by `associations` and `receiver`.

Invariants:
- a command set or data set in memory is never longer than its limit;
- the data set of an object goes piece by piece to whoever wants it, and is not held.

Standard: PS3.8 annex E.2 (fragments); PS3.7 6.3 (messages).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk
from pacsgate.protocols.dimse.command_set import CommandSet, decode_command, has_data_set
from pacsgate.protocols.dimse.pdus import DataValue, PduError, PduType, data_values, type_of
from pacsgate.upstream.dimse.connection import Connection, nonsense
from pacsgate.upstream.dimse.negotiation import AgreedContext

_MAX_COMMAND_BYTES = 64 * 1024
_MAX_DATA_SET_BYTES = 1024 * 1024
"""Of a data set that is not an object: an identifier, a worklist item, a procedure step."""

_IS_COMMAND, _IS_LAST = 1, 2
"""Bits of the message control header."""


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message; `data_set` is empty where it went elsewhere or there is none."""

    context_id: int
    command: CommandSet
    data_set: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """Another PDU than P-DATA came where a message could begin."""

    kind: PduType


class Destination(Protocol):
    """Where the bytes of an object's data set go."""

    def write(self, chunk: Chunk) -> None:
        """Take some more of them.  Whatever it raises ends the association."""
        ...


Opening = Callable[[int, CommandSet], Destination | None]
"""Says of a message, once its command set is there, where its data set goes; `None` for memory."""


def read_message(
    connection: Connection, contexts: Mapping[int, AgreedContext], opening: Opening | None = None
) -> Message | Ended:
    """The next message.  Raises `ArchiveError` for anything that is none."""
    arriving = _Arriving(contexts, opening)
    while True:
        pdu = connection.read()
        if (kind := type_of(pdu)) is not PduType.P_DATA_TF:
            if arriving.has_begun:
                raise nonsense("a message ends early")
            return Ended(kind)
        try:
            for value in data_values(pdu):
                arriving.take(value)
        except (PduError, RequestError) as damage:
            raise nonsense(str(damage)) from None
        if (message := arriving.whole) is not None:
            return message


class _Arriving:
    """One message while its fragments come."""

    def __init__(self, contexts: Mapping[int, AgreedContext], opening: Opening | None) -> None:
        self._contexts = contexts
        self._opening = opening
        self._context_id = 0
        self._command: CommandSet | None = None
        self._destination: Destination | None = None
        self._encoded = bytearray()
        """Of the command set, then of the data set."""
        self.has_begun = False
        self.whole: Message | None = None

    def take(self, value: DataValue) -> None:
        """Add a fragment.  Raises `ArchiveError` where it has no place, and `RequestError` for damage."""
        if not self.has_begun:
            self.has_begun, self._context_id = True, value.context_id
        if value.context_id != self._context_id or value.context_id not in self._contexts:
            raise nonsense("a fragment of another context")
        control, fragment = value.value[0], value.value[1:]
        is_command = bool(control & _IS_COMMAND)
        if self.whole is not None or is_command != (self._command is None):
            raise nonsense("fragments out of order")
        if self._destination is not None:
            self._destination.write(fragment)
        else:
            limit = _MAX_COMMAND_BYTES if is_command else _MAX_DATA_SET_BYTES
            if len(self._encoded) + len(fragment) > limit:
                raise nonsense("a command set or data set that is too long")
            self._encoded += fragment
        if control & _IS_LAST:
            self._end_of_part()

    def _end_of_part(self) -> None:
        encoded, self._encoded = bytes(self._encoded), bytearray()
        if self._command is not None:
            self.whole = Message(self._context_id, self._command, encoded)
            return
        self._command = command = decode_command(encoded)
        if not has_data_set(command):
            self.whole = Message(self._context_id, command, b"")
        elif self._opening is not None:
            self._destination = self._opening(self._context_id, command)
