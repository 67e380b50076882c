"""Command sets as bytes, and back.

A command set is a few dozen bytes with a closed list of elements, always in Implicit
VR Little Endian; every message has one.  So it is read and written here by a table,
and never as a data set that could hold anything else.

Called by `pacsgate.upstream.dimse` and `pacsgate.gateway.dimse`.

Invariants:
- what is decoded has known elements only, each once, with values of its VR.

Standard: PS3.7 6.3.1 (encoding), annex E (elements).
"""

import struct
from collections.abc import Mapping
from enum import IntEnum

from pacsgate.model.errors import RequestError

CommandValue = int | str | tuple[int, ...]
CommandSet = Mapping[int, CommandValue]
"""Element number within group 0000 to its value: `AT` lists are tuples of tags, all else one value."""

NO_DATA_SET = 0x0101
"""The Command Data Set Type that says: nothing follows (PS3.7 E.1)."""
DATA_SET_FOLLOWS = 0x0001


class Element(IntEnum):
    """The elements of group 0000, by keyword (PS3.7 table E.1-1)."""

    AFFECTED_SOP_CLASS_UID = 0x0002
    REQUESTED_SOP_CLASS_UID = 0x0003
    COMMAND_FIELD = 0x0100
    MESSAGE_ID = 0x0110
    MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
    MOVE_DESTINATION = 0x0600
    PRIORITY = 0x0700
    COMMAND_DATA_SET_TYPE = 0x0800
    STATUS = 0x0900
    OFFENDING_ELEMENT = 0x0901
    ERROR_COMMENT = 0x0902
    ERROR_ID = 0x0903
    AFFECTED_SOP_INSTANCE_UID = 0x1000
    REQUESTED_SOP_INSTANCE_UID = 0x1001
    EVENT_TYPE_ID = 0x1002
    ATTRIBUTE_IDENTIFIER_LIST = 0x1005
    ACTION_TYPE_ID = 0x1008
    NUMBER_OF_REMAINING_SUB_OPERATIONS = 0x1020
    NUMBER_OF_COMPLETED_SUB_OPERATIONS = 0x1021
    NUMBER_OF_FAILED_SUB_OPERATIONS = 0x1022
    NUMBER_OF_WARNING_SUB_OPERATIONS = 0x1023
    MOVE_ORIGINATOR_AE_TITLE = 0x1030
    MOVE_ORIGINATOR_MESSAGE_ID = 0x1031


class Command(IntEnum):
    """What a message is: the Command Field (PS3.7 table E.1-1); bit 15 set for a response."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF


RESPONSE = 0x8000
"""The bit of a Command Field that makes a request its response."""

_TEXTS = {
    Element.AFFECTED_SOP_CLASS_UID: b"\0",
    Element.REQUESTED_SOP_CLASS_UID: b"\0",
    Element.AFFECTED_SOP_INSTANCE_UID: b"\0",
    Element.REQUESTED_SOP_INSTANCE_UID: b"\0",
    Element.MOVE_DESTINATION: b" ",
    Element.ERROR_COMMENT: b" ",
    Element.MOVE_ORIGINATOR_AE_TITLE: b" ",
}
"""Elements that are text, with what pads them to an even length."""
_TAG_LISTS = frozenset({Element.OFFENDING_ELEMENT, Element.ATTRIBUTE_IDENTIFIER_LIST})
_KNOWN = frozenset(map(int, Element))
_MAX_TEXT_BYTES = 64
_GROUP_LENGTH = 0x0000


def encode_command(elements: CommandSet) -> bytes:
    """The command set with its group length; elements in any order, each once."""
    body = b"".join(_encoded(number, elements[number]) for number in sorted(elements))
    return struct.pack("<HHLL", 0, _GROUP_LENGTH, 4, len(body)) + body


def decode_command(encoded: bytes) -> dict[int, CommandValue]:
    """The known elements of a command set; others are passed over.  Raises `RequestError`."""
    found: dict[int, CommandValue] = {}
    at = 0
    while at < len(encoded):
        try:
            group, number, length = struct.unpack_from("<HHL", encoded, at)
        except struct.error:
            raise RequestError("a command set ends early") from None
        at += 8
        value = encoded[at : at + length]
        at += length
        if group != 0 or at > len(encoded) or number in found:
            raise RequestError("a damaged command set")
        if number in _KNOWN:
            found[number] = _decoded(number, value)
    if Element.COMMAND_FIELD not in found:
        raise RequestError("a command set without Command Field")
    return found


def number_in(command: CommandSet, element: Element) -> int | None:
    """The value of a numeric element; `None` when it is absent."""
    value = command.get(element)
    return value if isinstance(value, int) else None


def text_in(command: CommandSet, element: Element) -> str:
    """The value of a text element; empty when it is absent."""
    value = command.get(element)
    return value if isinstance(value, str) else ""


def has_data_set(command: CommandSet) -> bool:
    """Whether a data set follows the command set."""
    return command.get(Element.COMMAND_DATA_SET_TYPE, NO_DATA_SET) != NO_DATA_SET


def _encoded(number: int, value: CommandValue) -> bytes:
    if isinstance(value, int):
        encoded = struct.pack("<H", value)
    elif isinstance(value, str):
        encoded = value.encode("utf-8")
        if len(encoded) % 2:
            encoded += _TEXTS[Element(number)]
    else:
        encoded = b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)
    return struct.pack("<HHL", 0, number, len(encoded)) + encoded


def _decoded(number: int, value: bytes) -> CommandValue:
    if number in _TEXTS:
        if len(value) > _MAX_TEXT_BYTES:
            raise RequestError("a command set with a value that is too long")
        return value.decode("utf-8", "replace").strip(" \0")
    if number in _TAG_LISTS:
        if len(value) % 4:
            raise RequestError("a damaged command set")
        pairs = struct.iter_unpack("<HH", value)
        return tuple(group << 16 | element for group, element in pairs)
    if len(value) != 2:
        raise RequestError("a damaged command set")
    return int(struct.unpack("<H", value)[0])
