"""Command sets: the same bytes as pynetdicom's, and nothing but known elements out of any bytes."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dimse_messages import C_GET_RSP, C_MOVE_RQ, C_STORE_RQ, N_CREATE_RSP
from pynetdicom.dimse_primitives import C_GET, C_MOVE, C_STORE, N_CREATE
from pynetdicom.dsutils import decode, encode

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.command_set import (
    DATA_SET_FOLLOWS,
    NO_DATA_SET,
    Command,
    Element,
    decode_command,
    encode_command,
    has_data_set,
    number_in,
    text_in,
)

CT = "1.2.840.10008.5.1.4.1.1.2"


def by_pynetdicom(message: object, primitive: object) -> bytes:
    message.primitive_to_message(primitive)  # type: ignore[attr-defined]
    encoded = encode(message.command_set, True, True)  # type: ignore[attr-defined]
    assert encoded is not None
    return encoded


def test_a_store_request_is_the_same_bytes_as_pynetdicoms() -> None:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 0
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT, "1.2.3"
    primitive.MoveOriginatorApplicationEntityTitle, primitive.MoveOriginatorMessageID = "SCANNER", 9
    primitive.DataSet = io.BytesIO(b"x")
    ours = {
        Element.COMMAND_FIELD: Command.C_STORE_RQ,
        Element.MESSAGE_ID: 7,
        Element.PRIORITY: 0,
        Element.AFFECTED_SOP_CLASS_UID: CT,
        Element.AFFECTED_SOP_INSTANCE_UID: "1.2.3",
        Element.MOVE_ORIGINATOR_AE_TITLE: "SCANNER",
        Element.MOVE_ORIGINATOR_MESSAGE_ID: 9,
        Element.COMMAND_DATA_SET_TYPE: DATA_SET_FOLLOWS,
    }
    assert encode_command(ours) == by_pynetdicom(C_STORE_RQ(), primitive)


def test_what_pynetdicom_writes_is_read() -> None:
    move = C_MOVE()
    move.MessageID, move.Priority, move.AffectedSOPClassUID, move.MoveDestination = 3, 2, "1.2.840", "AWAY"
    move.Identifier = io.BytesIO(b"x")
    read = decode_command(by_pynetdicom(C_MOVE_RQ(), move))
    assert read[Element.COMMAND_FIELD] == Command.C_MOVE_RQ
    assert text_in(read, Element.MOVE_DESTINATION) == "AWAY"
    assert has_data_set(read)

    got = C_GET()
    got.MessageIDBeingRespondedTo, got.AffectedSOPClassUID, got.Status = 3, "1.2.840", 0xB000
    got.NumberOfFailedSuboperations = 4
    read = decode_command(by_pynetdicom(C_GET_RSP(), got))
    assert number_in(read, Element.STATUS) == 0xB000
    assert number_in(read, Element.NUMBER_OF_FAILED_SUB_OPERATIONS) == 4
    assert not has_data_set(read)


def test_a_comment_beyond_ascii_comes_through() -> None:
    created = N_CREATE()
    created.MessageIDBeingRespondedTo, created.Status = 1, 0x0110
    created.AffectedSOPClassUID = "1.2.840"
    created.ErrorComment = "refused"
    assert text_in(decode_command(by_pynetdicom(N_CREATE_RSP(), created)), Element.ERROR_COMMENT) == "refused"
    ours = encode_command({Element.COMMAND_FIELD: Command.N_CREATE_RSP, Element.ERROR_COMMENT: "für später"})
    assert text_in(decode_command(ours), Element.ERROR_COMMENT) == "für später"


def test_pynetdicom_reads_what_is_written() -> None:
    ours = encode_command(
        {
            Element.COMMAND_FIELD: Command.C_FIND_RSP,
            Element.STATUS: 0xA900,
            Element.OFFENDING_ELEMENT: (0x00100020, 0x0020000D),
            Element.COMMAND_DATA_SET_TYPE: NO_DATA_SET,
        }
    )
    read: Dataset = decode(io.BytesIO(ours), True, True)
    assert read.Status == 0xA900
    assert list(read.OffendingElement) == [0x00100020, 0x0020000D]
    assert read.CommandGroupLength == len(ours) - 12


NUMBERS = [Element.MESSAGE_ID, Element.STATUS, Element.PRIORITY, Element.ACTION_TYPE_ID]
TEXTS = [Element.AFFECTED_SOP_CLASS_UID, Element.MOVE_DESTINATION, Element.ERROR_COMMENT]
WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)


@given(
    st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 0xFFFF)),
    st.dictionaries(st.sampled_from(TEXTS), WORD),
    st.lists(st.integers(0, 0xFFFFFFFF), max_size=5),
)
def test_every_command_set_comes_back(
    numbers: dict[Element, int], texts: dict[Element, str], tags: list[int]
) -> None:
    written = {
        Element.COMMAND_FIELD: 0x8020,
        **numbers,
        **texts,
        Element.ATTRIBUTE_IDENTIFIER_LIST: tuple(tags),
    }
    read = decode_command(encode_command(written))
    read.pop(0x0000, None)
    assert read == {int(element): value for element, value in written.items()}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_set_or_an_error(data: bytes) -> None:
    try:
        read = decode_command(data)
    except RequestError:
        return
    assert set(read) <= set(map(int, Element))


WHOLE = encode_command({Element.COMMAND_FIELD: Command.C_ECHO_RQ, Element.MESSAGE_ID: 1})


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        WHOLE[:-1],
        WHOLE + b"\0",
        WHOLE + WHOLE[12:],
        WHOLE.replace(b"\x00\x00\x10\x01\x02", b"\x08\x00\x10\x01\x02"),
        WHOLE.replace(b"\x00\x00\x00\x01\x02\x00\x00\x00", b"\x00\x00\x00\x01\xff\xff\xff\xff"),
        WHOLE + b"\x00\x00\x02\x00" + (66).to_bytes(4, "little") + b"1" * 66,
        WHOLE + b"\x00\x00\x01\x09" + (3).to_bytes(4, "little") + b"123",
    ],
    ids=[
        "empty",
        "cut off",
        "one byte more",
        "twice",
        "another group",
        "no end",
        "a long text",
        "half a tag",
    ],
)
def test_a_damaged_command_set_is_an_error(damaged: bytes) -> None:
    with pytest.raises(RequestError):
        decode_command(damaged)
