"""Whatever a peer sends over an association that the gate requested: messages, an end, or an `ArchiveError`.

Whole, split anywhere and byte by byte the same bytes are the same messages; and what is a message for
pynetdicom is the same one here.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu import P_DATA_TF

from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.command_set import Command, Element, encode_command
from pacsgate.protocols.dimse.pdus import PduReader
from pacsgate.upstream.dimse.connection import Connection
from pacsgate.upstream.dimse.fragments import p_data
from pacsgate.upstream.dimse.messages import Ended, Message, read_message
from pacsgate.upstream.dimse.negotiation import AgreedContext

CONTEXTS = {1: AgreedContext("1.2.3", "1.2.840.10008.1.2.1"), 3: AgreedContext("1.2.4", "1.2.840.10008.1.2")}


@contextmanager
def connected() -> Iterator[tuple[socket.socket, Connection]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    connection = Connection(ours, 5)
    try:
        yield peer, connection
    finally:
        peer.close()
        connection.close()


def read_all(pieces: Sequence[bytes]) -> list[object]:
    """What is read of bytes that come in these pieces, until the peer has closed."""
    read: list[object] = []
    with connected() as (peer, connection):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            peer.sendall(piece)
        peer.shutdown(socket.SHUT_WR)
        try:
            while True:
                message = read_message(connection, CONTEXTS)
                read.append(message)
                if isinstance(message, Ended):
                    return read
        except ArchiveError as error:
            read.append(error.detail)
    return read


def store(data_set: bytes | None, message_id: int) -> bytes:
    kind = 0x0101 if data_set is None else 1
    return encode_command(
        {
            Element.COMMAND_FIELD: Command.C_STORE_RQ,
            Element.MESSAGE_ID: message_id,
            Element.AFFECTED_SOP_CLASS_UID: "1.2.3",
            Element.COMMAND_DATA_SET_TYPE: kind,
        }
    )


MESSAGES = st.lists(
    st.tuples(st.sampled_from([1, 3]), st.one_of(st.none(), st.binary(min_size=1, max_size=2000))), max_size=3
)
PDU = st.builds(
    lambda kind, body: struct.pack(">BxL", kind, len(body)) + body, st.integers(0, 9), st.binary(max_size=60)
)
ITEM = st.builds(
    lambda context, control, data: struct.pack(">LBB", len(data) + 2, context, control) + data,
    st.sampled_from([1, 3, 5]),
    st.integers(0, 3),
    st.one_of(st.binary(max_size=40), st.just(store(None, 1)), st.just(store(b"x", 2))),
)
P_DATA = st.lists(ITEM, min_size=1, max_size=3).map(
    lambda items: struct.pack(">BxL", 4, sum(map(len, items))) + b"".join(items)
)


@settings(max_examples=40, deadline=None)
@given(MESSAGES, st.integers(128, 1000), st.lists(st.integers(1, 4000), max_size=4))
def test_messages_come_whole_however_they_are_cut(
    messages: list[tuple[int, bytes | None]], maximum_length: int, cuts: list[int]
) -> None:
    wire, expected = b"", []
    for number, (context_id, data_set) in enumerate(messages, 1):
        command = store(data_set, number)
        pieces = [] if data_set is None else [data_set]
        for buffer in p_data(context_id, command, pieces, maximum_length):
            wire += buffer
        expected.append((context_id, number, data_set or b""))
    places = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    split = [wire[start:end] for start, end in pairwise(places) if start < end]
    *read, end = read_all(split)
    assert end == "it closed the connection"
    got = [
        (one.context_id, one.command[Element.MESSAGE_ID], one.data_set)
        for one in read
        if isinstance(one, Message)
    ]
    assert got == expected


def test_messages_come_whole_byte_by_byte() -> None:
    wire = b"".join(p_data(1, store(b"a data set", 7), [b"a data set"], 128))
    message, end = read_all([bytes([byte]) for byte in wire])
    assert isinstance(message, Message)
    assert (message.data_set, end) == (b"a data set", "it closed the connection")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(P_DATA, PDU), max_size=5).map(b"".join))
def test_any_pdus_are_messages_an_end_or_an_error(wire: bytes) -> None:
    for one in read_all([wire]):
        assert isinstance(one, Message | Ended | str)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_error_or_an_end(wire: bytes) -> None:
    for one in read_all([wire]):
        assert isinstance(one, Message | Ended | str)


@settings(max_examples=100, deadline=None)
@given(st.lists(P_DATA, min_size=1, max_size=4).map(b"".join))
def test_what_is_a_message_here_is_the_same_one_for_pynetdicom(wire: bytes) -> None:
    (first, *_) = read_all([wire])
    if not isinstance(first, Message):
        return
    theirs = DIMSEMessage()
    for pdu in PduReader(1 << 20).feed(wire):
        decoded = P_DATA_TF()
        decoded.decode(pdu)
        if theirs.decode_msg(decoded.to_primitive()):
            break
    assert theirs.data_set.getvalue() == first.data_set
    assert theirs.command_set.MessageID == first.command[Element.MESSAGE_ID]
    assert theirs.context_id == first.context_id
