"""Messages are put together within bounds, and an object is on disk before its last fragment is there."""

import itertools
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dimse import _RQ_TO_MESSAGE
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE, C_STORE, N_ACTION, N_CREATE, N_SET
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.presentation import build_context

from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.gateway.dimse.incoming import IncomingObject, SpooledStore
from pacsgate.gateway.dimse.messages import (
    MAX_COMMAND_BYTES,
    MAX_IDENTIFIER_BYTES,
    MAX_WAITING,
    Messages,
)
from pacsgate.gateway.dimse.primitives import primitive_of
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.command_set import Command, Element, encode_command
from pacsgate.upstream.spool import Spool

STORE, FIND = 1, 3
"""Presentation context IDs."""
COMMAND, LAST = 1, 2
SOP_INSTANCE = "1.2.3.4"


def store_command(**changes: Any) -> bytes:
    elements = {
        Element.AFFECTED_SOP_CLASS_UID: str(CTImageStorage),
        Element.COMMAND_FIELD: int(Command.C_STORE_RQ),
        Element.MESSAGE_ID: 7,
        Element.PRIORITY: 0,
        Element.COMMAND_DATA_SET_TYPE: 1,
        Element.AFFECTED_SOP_INSTANCE_UID: SOP_INSTANCE,
    }
    return encode_command({**elements, **{Element[name]: value for name, value in changes.items()}})


def find_command() -> bytes:
    return store_command(COMMAND_FIELD=int(Command.C_FIND_RQ))


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spool]:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    yield spool
    spool.close()


class Receiving:
    """The messages of an association whose peer says whatever a test says."""

    def __init__(self, spool: Spool) -> None:
        from queue import Queue  # noqa: PLC0415 - only here

        self.spool = spool
        self.events: Queue[str] = Queue()
        self.contexts = {
            STORE: build_context(CTImageStorage, ExplicitVRLittleEndian),
            FIND: build_context("1.2.840.10008.5.1.4.1.2.2.1", ExplicitVRLittleEndian),
        }
        association = SimpleNamespace(
            _accepted_cx=self.contexts, dul=SimpleNamespace(event_queue=self.events), dimse_timeout=None
        )
        self.messages = Messages(association, lambda: self.spool)

    def take(self, control: int, fragment: bytes, context_id: int = STORE) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, bytes([control]) + fragment))
        self.messages.receive_primitive(primitive)

    def next(self) -> Any:
        return self.messages.get_msg()[1]

    @property
    def is_refused(self) -> bool:
        return not self.events.empty()

    @property
    def files(self) -> list[Path]:
        return [path for path in self.spool.workspace.iterdir() if path.name != "lock"]


@pytest.fixture
def receiving(spool: Spool) -> Iterator[Receiving]:
    receiving = Receiving(spool)
    yield receiving
    receiving.messages.discard()
    assert receiving.files == []


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)] or [b""]


@given(
    data=st.binary(min_size=1, max_size=600),
    cuts=st.lists(st.integers(0, 600), max_size=6),
    command_cuts=st.lists(st.integers(0, 200), max_size=3),
)
def test_an_object_is_whole_however_it_is_cut(
    spool: Spool, data: bytes, cuts: list[int], command_cuts: list[int]
) -> None:
    receiving = Receiving(spool)
    for control, whole, places in ((COMMAND, store_command(), command_cuts), (0, data, cuts)):
        pieces = in_pieces(whole, places)
        for piece in pieces[:-1]:
            receiving.take(control, piece)
        receiving.take(control | LAST, pieces[-1])
    request = receiving.next()
    assert isinstance(request, SpooledStore)
    assert (request.MessageID, request.AffectedSOPInstanceUID) == (7, SOP_INSTANCE)
    content = request.incoming.finish().path.read_bytes()
    head = read_part10_head(content)
    assert content[head.data_set_offset :] == data
    assert (head.sop_class_uid, head.sop_instance_uid) == (CTImageStorage, SOP_INSTANCE)
    assert head.transfer_syntax_uid == ExplicitVRLittleEndian
    request.incoming.discard()
    assert receiving.files == []
    assert not receiving.is_refused


def test_an_object_goes_to_disk_while_it_arrives(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, store_command())
    receiving.take(0, bytes(1000))
    (file,) = receiving.files
    assert file.stat().st_size > 1000


def test_an_association_that_ends_in_the_middle_leaves_no_file(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, store_command())
    receiving.take(0, bytes(1000))
    receiving.messages.discard()
    assert receiving.files == []
    receiving.take(LAST, bytes(1000))
    assert receiving.files == []


def test_an_association_that_ends_before_its_object_is_served_leaves_no_file(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, store_command())
    receiving.take(LAST, bytes(1000))
    receiving.messages.discard()
    assert receiving.files == []


@pytest.mark.parametrize(
    ("what", "fragments"),
    [
        ("a data set before its command", [(LAST, b"1", STORE)]),
        ("an empty fragment", [(None, b"", STORE)]),
        ("a context that was not accepted", [(COMMAND | LAST, store_command(), 5)]),
        ("two contexts in one message", [(COMMAND | LAST, store_command(), STORE), (0, b"1", FIND)]),
        ("a second command", [(COMMAND | LAST, store_command(), STORE), (COMMAND, b"1", STORE)]),
        ("no command set", [(COMMAND | LAST, b"\x00", STORE)]),
        ("a command nobody knows", [(COMMAND | LAST, store_command(COMMAND_FIELD=0x0777), STORE)] * 2),
    ],
)
def test_whoever_does_not_keep_to_the_protocol_is_refused(
    receiving: Receiving, what: str, fragments: list[tuple[int | None, bytes, int]]
) -> None:
    for control, fragment, context_id in fragments:
        if control is None:
            primitive = P_DATA()
            primitive.presentation_data_value_list.append((context_id, b""))
            receiving.messages.receive_primitive(primitive)
        else:
            receiving.take(control, fragment, context_id)
    receiving.take(LAST, b"12")
    assert receiving.is_refused, what
    assert receiving.next() is None


def test_a_command_set_does_not_grow_beyond_its_bound(receiving: Receiving) -> None:
    for _ in range(MAX_COMMAND_BYTES // 16_384):
        receiving.take(COMMAND, bytes(16_384))
    assert not receiving.is_refused
    receiving.take(COMMAND, b"1")
    assert receiving.is_refused


def test_an_identifier_does_not_grow_beyond_its_bound(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, find_command(), FIND)
    for _ in range(MAX_IDENTIFIER_BYTES // 65_536):
        receiving.take(0, bytes(65_536), FIND)
    assert not receiving.is_refused
    receiving.take(0, b"1", FIND)
    assert receiving.is_refused


def test_no_more_messages_wait_than_their_bound(receiving: Receiving) -> None:
    for _ in range(MAX_WAITING):
        receiving.take(COMMAND | LAST, find_command(), FIND)
        receiving.take(LAST, b"1", FIND)
    assert not receiving.is_refused
    receiving.take(COMMAND | LAST, store_command())
    receiving.take(LAST, b"1")
    assert receiving.is_refused
    assert receiving.files == []


def test_an_object_under_a_name_that_is_no_uid_is_received_and_refused_at_its_end(
    receiving: Receiving,
) -> None:
    receiving.take(COMMAND | LAST, store_command(AFFECTED_SOP_INSTANCE_UID="../../etc"))
    receiving.take(LAST, bytes(1000))
    with pytest.raises(RequestError):
        receiving.next().incoming.finish()
    assert receiving.files == []


def test_an_object_that_is_too_large_is_read_to_its_end_and_refused(
    receiving: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacsgate.gateway.dimse.incoming.MAX_OBJECT_BYTES", 2_000)
    receiving.take(COMMAND | LAST, store_command())
    for _ in range(3):
        receiving.take(0, bytes(1000))
    assert receiving.files == []
    receiving.take(LAST, bytes(1000))
    with pytest.raises(RequestError) as refused:
        receiving.next().incoming.finish()
    assert refused.value.status == 413


def test_a_cancel_comes_past_what_waits(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, find_command(), FIND)
    receiving.take(LAST, b"12", FIND)
    cancel = encode_command(
        {
            Element.COMMAND_FIELD: int(Command.C_CANCEL_RQ),
            Element.MESSAGE_ID_BEING_RESPONDED_TO: 7,
            Element.COMMAND_DATA_SET_TYPE: 0x0101,
        }
    )
    receiving.take(COMMAND | LAST, cancel, FIND)
    assert 7 in receiving.messages.cancel_req
    request = receiving.next()
    assert isinstance(request, C_FIND)
    assert request.Identifier.getvalue() == b"12"


def test_a_store_without_a_data_set_is_a_request_with_nothing_in_it(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, store_command(COMMAND_DATA_SET_TYPE=0x0101))
    request = receiving.next()
    assert isinstance(request, SpooledStore)
    assert request.incoming is None
    assert request.is_valid_request


def test_the_answer_to_a_store_is_no_request() -> None:
    answer = primitive_of(
        {
            Element.COMMAND_FIELD: int(Command.C_STORE_RSP),
            Element.MESSAGE_ID_BEING_RESPONDED_TO: 3,
            Element.STATUS: 0x0124,
        },
        STORE,
        None,
        None,
    )
    assert isinstance(answer, C_STORE)
    assert (answer.MessageIDBeingRespondedTo, answer.Status) == (3, 0x0124)


def test_an_incoming_object_that_never_began_cannot_be_finished(spool: Spool) -> None:
    with pytest.raises(RequestError):
        IncomingObject(spool).finish()


def requests_of_the_library() -> st.SearchStrategy[Any]:
    """Requests as pynetdicom makes them."""
    data = st.binary(min_size=2, max_size=2000).map(lambda value: value + bytes(len(value) % 2))

    def made(kind: type, keyword: str, value: bytes, number: int) -> Any:
        request = kind()
        request.MessageID = number
        for name, content in {
            "AffectedSOPClassUID": "1.2.840.10008.5.1.4.1.2.2.1",
            "RequestedSOPClassUID": "1.2.840.10008.5.1.4.1.2.2.1",
            "AffectedSOPInstanceUID": "1.2.3",
            "RequestedSOPInstanceUID": "1.2.3",
            "MoveDestination": "SOMEWHERE",
            "ActionTypeID": 1,
            "Priority": 2,
        }.items():
            if hasattr(request, name):
                setattr(request, name, content)
        setattr(request, keyword, BytesIO(value))
        return request

    kinds = st.sampled_from(
        [
            (C_FIND, "Identifier"),
            (C_GET, "Identifier"),
            (C_MOVE, "Identifier"),
            (N_ACTION, "ActionInformation"),
            (N_CREATE, "AttributeList"),
            (N_SET, "ModificationList"),
        ]
    )
    return st.builds(
        lambda kind, value, number: (made(*kind, value, number), kind[1]), kinds, data, st.integers(0, 65535)
    )


@given(request=requests_of_the_library(), length=st.integers(128, 4096))
def test_a_message_is_what_the_library_makes_of_it(
    spool: Spool, request: tuple[Any, str], length: int
) -> None:
    sent, keyword = request
    message = _RQ_TO_MESSAGE[type(sent)]()
    message.primitive_to_message(sent)
    receiving, library = Receiving(spool), DIMSEMessage()
    for primitive in message.encode_msg(FIND, length):
        receiving.messages.receive_primitive(primitive)
        is_whole = library.decode_msg(primitive)
    assert is_whole
    ours, theirs = receiving.next(), library.message_to_primitive()
    assert type(ours) is type(theirs)
    assert getattr(ours, keyword).getvalue() == getattr(theirs, keyword).getvalue()
    for name in (
        *("MessageID", "AffectedSOPClassUID", "RequestedSOPClassUID", "AffectedSOPInstanceUID"),
        *("RequestedSOPInstanceUID", "MoveDestination", "ActionTypeID", "Priority"),
    ):
        assert getattr(ours, name, None) == getattr(theirs, name, None), name
    assert ours.is_valid_request == theirs.is_valid_request


@given(st.lists(st.tuples(st.integers(0, 255), st.sampled_from([STORE, FIND, 5]), st.binary(max_size=64))))
def test_no_fragments_break_anything_or_leave_a_file(
    spool: Spool, fragments: list[tuple[int, int, bytes]]
) -> None:
    receiving = Receiving(spool)
    receiving.take(COMMAND | LAST, store_command())
    for control, context_id, fragment in fragments:
        receiving.take(control, fragment, context_id)
    receiving.messages.discard()
    assert receiving.files == []


def test_who_may_not_store_fills_no_disk(receiving: Receiving) -> None:
    receiving.take(COMMAND | LAST, store_command(), FIND)
    receiving.take(0, bytes(1000), FIND)
    assert receiving.files == []
    receiving.take(LAST, bytes(1000), FIND)
    assert receiving.next().incoming is None
    receiving.take(COMMAND | LAST, store_command(), FIND)
    for _ in range(MAX_IDENTIFIER_BYTES // 65_000 + 1):
        receiving.take(0, bytes(65_000), FIND)
    assert receiving.is_refused


def test_who_only_receives_objects_of_a_class_fills_no_disk_by_sending_some(receiving: Receiving) -> None:
    receiving.contexts[STORE]._as_scp = False
    receiving.take(COMMAND | LAST, store_command())
    receiving.take(0, bytes(1000))
    assert receiving.files == []
