"""A-ABORT: what is no PDU, or comes when it may not (PS3.8 9.2, 9.3.8)."""

import socket
import struct

import psutil
import pytest

from pacsgate.gateway.dimse.association import MAXIMUM_LENGTH
from pacsgate.gateway.dimse.messages import MAX_COMMAND_BYTES, MAX_IDENTIFIER_BYTES
from tests.support.dimse_gate import DicomGate
from tests.support.dimse_wire import (
    C_ECHO_RQ,
    IMPLICIT,
    RELEASE_RP,
    RELEASE_RQ,
    STUDY_ROOT_FIND,
    VERIFICATION,
    abort,
    associate_rq,
    command,
    element,
    identity_item,
    item,
    p_data,
    rejection,
    wire,
)
from tests.support.people import PASSWORD
from tests.support.waiting import wait_until

SERVICE_PROVIDER = 2
UNRECOGNIZED_PDU, UNEXPECTED_PDU, INVALID_VALUE = 1, 2, 6
ABORT_RQ = bytes.fromhex("0700000000040000") + b"\0\0"


def aborted(gate: DicomGate, *sent: bytes, first: bytes | None = None) -> tuple[int, int]:
    """How the association ends after this; the connection is then closed."""
    with wire(gate.port) as peer:
        if first is not None:
            peer.associate(first)
        for data in sent:
            peer.send(data)
        said = abort(peer.pdu())
        assert peer.is_closed()
        return said


@pytest.mark.parametrize("kind", [0, 8, 0x47, 0xFF])
def test_an_unknown_type_of_pdu_is_unrecognized(gate: DicomGate, kind: int) -> None:
    """PS3.8 table 9-26, reason 1.  47H is the G of an HTTP request."""
    pdu = bytes([kind]) + bytes(9)
    assert aborted(gate, pdu) == (SERVICE_PROVIDER, UNRECOGNIZED_PDU)
    assert aborted(gate, pdu, first=associate_rq()) == (SERVICE_PROVIDER, UNRECOGNIZED_PDU)


@pytest.mark.parametrize("pdu", [C_ECHO_RQ, RELEASE_RQ, RELEASE_RP], ids=["data", "release", "released"])
def test_nothing_but_a_request_may_come_first(gate: DicomGate, pdu: bytes) -> None:
    """PS3.8 table 9-10, state 2, action AA-1."""
    assert aborted(gate, pdu) == (SERVICE_PROVIDER, UNEXPECTED_PDU)


@pytest.mark.parametrize("pdu", [associate_rq(), RELEASE_RP], ids=["request", "released"])
def test_an_association_is_requested_once_and_released_by_who_began(gate: DicomGate, pdu: bytes) -> None:
    """PS3.8 table 9-10, state 6, action AA-8."""
    assert aborted(gate, pdu, first=associate_rq()) == (SERVICE_PROVIDER, UNEXPECTED_PDU)


@pytest.mark.parametrize("kind", [1, 4, 5, 7])
@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 2 << 20])
def test_a_pdu_is_refused_for_the_length_that_it_claims(gate: DicomGate, kind: int, length: int) -> None:
    """The library reads a claimed 4 GiB into memory before it looks at them."""
    before = psutil.Process().memory_info().rss
    claim = struct.pack(">BxL", kind, length) + bytes(1000)
    assert aborted(gate, claim, first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)
    assert psutil.Process().memory_info().rss - before < 32 << 20


def test_a_data_pdu_longer_than_our_maximum_is_refused(gate: DicomGate) -> None:
    """PS3.8 annex D.1: nobody may send more than the other side said."""
    longest = p_data(1, bytes(MAXIMUM_LENGTH - 6), is_command=False, is_last=False)
    longer = p_data(1, bytes(MAXIMUM_LENGTH - 5), is_command=False, is_last=False)
    assert len(longest) == MAXIMUM_LENGTH + 6
    assert aborted(gate, longer[:6], first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)


@pytest.mark.parametrize(
    "value",
    [
        struct.pack(">LBB", 100, 1, 3) + b"ab",
        struct.pack(">LBB", 1, 1, 3) + b"ab",
        struct.pack(">LBB", 0, 1, 3),
        struct.pack(">LBB", 0xFFFFFFFF, 1, 3) + b"ab",
        b"\0\0\0",
    ],
    ids=["too long", "too short", "nothing", "4 GiB", "cut off"],
)
def test_a_value_ends_inside_its_pdu(gate: DicomGate, value: bytes) -> None:
    """PS3.8 table 9-23."""
    pdu = struct.pack(">BxL", 4, len(value)) + value
    assert aborted(gate, pdu, first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_a_context_that_was_not_accepted_carries_nothing(gate: DicomGate) -> None:
    pdu = p_data(77, command(0x0030), is_command=True)
    assert aborted(gate, pdu, first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_a_command_set_is_bounded_while_it_arrives(gate: DicomGate) -> None:
    """PS3.7 6.3.1: a command set is a few dozen bytes, but says nowhere so."""
    pieces = [p_data(1, bytes(16000), is_command=True, is_last=False)] * (MAX_COMMAND_BYTES // 16000 + 1)
    assert aborted(gate, *pieces, first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_an_identifier_is_bounded_while_it_arrives(gate: DicomGate) -> None:
    first = associate_rq(contexts=[(STUDY_ROOT_FIND, [IMPLICIT])])
    bomb = p_data(1, bytes(100_000), is_command=False, is_last=False)
    pieces = [
        p_data(1, command(0x0020, sop_class=STUDY_ROOT_FIND, data_set=True), is_command=True),
        *[bomb] * (MAX_IDENTIFIER_BYTES // 100_000 + 1),
    ]
    assert aborted(gate, *pieces, first=first) == (SERVICE_PROVIDER, INVALID_VALUE)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\0" * 7,
        element(0x0000, b"\0\0\0\0"),
        element(0x0100, b"\x30"),
        b"\x08\0\0\0\x02\0\0\0ab",
        command(0x0030)[:-3],
        command(0x0030) + element(0x0110, b"\1\0"),
        command(0x4242),
    ],
    ids=["empty", "short", "no field", "one byte", "group 8", "cut off", "twice", "unknown field"],
)
def test_a_damaged_command_set_ends_the_association(gate: DicomGate, damaged: bytes) -> None:
    pdu = p_data(1, damaged, is_command=True)
    assert aborted(gate, pdu, first=associate_rq()) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_each_violation_is_on_record_once_a_minute(gate: DicomGate) -> None:
    for _ in range(3):
        aborted(gate, b"\x09" + bytes(9))
    assert gate.causes().count("unrecognized PDU type") == 1


_CONTEXT = b"\1\0\0\0" + item(0x30, VERIFICATION.encode())
_SYNTAX = item(0x40, IMPLICIT.encode())
_MANY = {
    "contexts": item(0x20, _CONTEXT + _SYNTAX) * 129,
    "syntaxes": item(0x20, _CONTEXT + _SYNTAX * 128),
    "application contexts": item(0x10, b"1.2.3") * 2,
    "user items": item(0x50, item(0x54, b"\0\3" + b"1.2\1\1") * 513),
    "unknown items": item(0x99, b"") * 10_000,
}


@pytest.mark.parametrize("items", _MANY.values(), ids=_MANY.keys())
def test_a_request_asks_for_no_more_than_a_request_can(gate: DicomGate, items: bytes) -> None:
    """PS3.8 9.3.2.  A megabyte of items would cost a second before anybody is known."""
    usual = associate_rq()
    pdu = usual[:2] + struct.pack(">L", len(usual) - 6 + len(items)) + usual[6:74] + items + usual[74:]
    assert aborted(gate, pdu) == (SERVICE_PROVIDER, INVALID_VALUE)


_LENGTH = item(0x51, struct.pack(">L", 16384))
_READER = identity_item(2, b"reader1", PASSWORD.encode())
_AMBIGUOUS = {
    "two identities": associate_rq(user_items=_READER + identity_item(2, b"reader1", b"wrong")),
    "a name and an identity": associate_rq(user_items=identity_item(1, b"idler1") + _READER),
    "two lengths": associate_rq(user_items=_READER + _LENGTH),
    "a length of 127": associate_rq().replace(_LENGTH, item(0x51, struct.pack(">L", 127))),
}


@pytest.mark.parametrize("pdu", _AMBIGUOUS.values(), ids=_AMBIGUOUS.keys())
def test_a_request_says_once_who_asks_and_how_much_it_takes(gate: DicomGate, pdu: bytes) -> None:
    """PS3.7 D.3.3.7, PS3.8 D.1."""
    assert aborted(gate, pdu) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_a_context_is_proposed_once(gate: DicomGate) -> None:
    twice = item(0x20, _CONTEXT + _SYNTAX)
    usual = associate_rq()
    pdu = usual[:2] + struct.pack(">L", len(usual) - 6 + len(twice)) + usual[6:74] + twice + usual[74:]
    assert aborted(gate, pdu) == (SERVICE_PROVIDER, INVALID_VALUE)


def test_a_peer_may_abort_and_go(gate: DicomGate) -> None:
    """PS3.8 table 9-10, action AA-3: nothing is answered."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(ABORT_RQ)
        assert peer.pdu() == b""
    wait_until(lambda: gate.associations == 0)


def test_a_release_is_answered_and_the_connection_closed(gate: DicomGate) -> None:
    """PS3.8 7.2, table 9-10 actions AR-2 and AR-4."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(RELEASE_RQ)
        assert peer.pdu()[:1] == b"\x06"
        assert peer.is_closed()
    wait_until(lambda: gate.associations == 0)


def test_a_rejection_reaches_a_peer_that_had_more_to_say(gate: DicomGate) -> None:
    """Closing at once would reset the connection under the unread rejection."""
    with wire(gate.port) as peer:
        peer.send(associate_rq(called="NOPE"))
        wait_until(lambda: bool(peer.socket.recv(1, socket.MSG_PEEK)))
        peer.send(C_ECHO_RQ * 50)
        assert rejection(peer.pdu()) == (1, 1, 7)
        assert peer.is_closed()


def test_after_all_this_the_door_still_works(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate(associate_rq(contexts=[(VERIFICATION, [IMPLICIT])]))
        assert peer.echo() == 0x0000
