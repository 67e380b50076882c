"""Peers that take their time, or never end (PS3.8 9.1.4, 9.1.5: ARTIM)."""

import socket
import struct
import time
from contextlib import ExitStack

import pytest

from pacsgate.gateway.dimse import association, bounded_socket, dispatch, handlers, places, upper_layer
from pacsgate.gateway.dimse.exchange import Exchange
from pacsgate.gateway.dimse.operation import Operation
from pacsgate.gateway.dimse.seats import Seats
from pacsgate.protocols.dimse.services import ServiceKind
from pacsgate.protocols.dimse.statuses import Status
from tests.support.dimse_gate import DicomGate
from tests.support.dimse_wire import C_ECHO_RQ, Wire, abort, associate_rq, rejection, wire
from tests.support.waiting import wait_until

SHORT = 0.3


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upper_layer, "REQUEST_SECONDS", SHORT)
    monkeypatch.setattr(upper_layer, "PDU_SECONDS", SHORT)
    monkeypatch.setattr(upper_layer, "LINGER_SECONDS", SHORT)


def all_gone(gate: DicomGate) -> None:
    wait_until(lambda: gate.associations == 0, seconds=5)


def test_who_requests_nothing_in_time_is_left(gate: DicomGate) -> None:
    """PS3.8 table 9-10, state 2, event 18: the connection is closed without a word."""
    with wire(gate.port) as peer:
        assert peer.is_closed(within=3)
    all_gone(gate)
    assert "no association request in time" in gate.causes()


def test_a_request_byte_by_byte_must_be_whole_in_time(gate: DicomGate) -> None:
    request = associate_rq()
    with wire(gate.port) as peer:
        with pytest.raises(OSError):  # noqa: PT012 - somewhere in the middle
            for byte in request * 50:
                peer.send(bytes([byte]))
                time.sleep(0.005)
        assert peer.is_closed(within=3)


def test_a_quick_request_byte_by_byte_is_a_request(gate: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upper_layer, "REQUEST_SECONDS", 10)
    monkeypatch.setattr(upper_layer, "PDU_SECONDS", 10)
    with wire(gate.port) as peer:
        for byte in associate_rq():
            peer.send(bytes([byte]))
        assert peer.pdu()[0] == 2
        for byte in C_ECHO_RQ:
            peer.send(bytes([byte]))
        assert peer.pdu()[0] == 4


def test_a_pdu_must_be_whole_in_time(gate: DicomGate) -> None:
    """A slow sender would hold its thread and its place."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(C_ECHO_RQ[:20])
        assert abort(peer.pdu()) == (2, 0)
        assert peer.is_closed()
    assert "PDU too slow" in gate.causes()


def test_a_peer_is_not_blamed_for_what_the_gate_does_not_read(
    gate: DicomGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_exchange: Exchange, operation: Operation) -> None:
        time.sleep(2 * SHORT)
        operation.respond(Status.SUCCESS)

    monkeypatch.setattr(dispatch, "HANDLERS", {**handlers.HANDLERS, ServiceKind.ECHO: slow})
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(C_ECHO_RQ * 4 + C_ECHO_RQ[:20])
        time.sleep(5 * SHORT)
        peer.send(C_ECHO_RQ[20:])
        assert [peer.pdu()[0] for _ in range(5)] == [4] * 5


def test_between_pdus_a_peer_may_take_its_time(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate()
        assert peer.echo() == 0
        time.sleep(3 * SHORT)
        assert peer.echo() == 0


def test_but_not_for_ever(gate: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(association, "IDLE_SECONDS", SHORT)
    monkeypatch.setattr(association, "_LOOK_SECONDS", 0.05)
    with wire(gate.port) as peer:
        peer.associate()
        assert abort(peer.pdu()) == (0, 0)
        assert peer.is_closed()
    assert "idle association" in gate.causes()


def test_a_half_closed_connection_is_an_ended_association(gate: DicomGate) -> None:
    """PS3.8 table 9-10, event 17: whoever sends nothing more cannot ask for anything."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.is_closed(within=3)
    all_gone(gate)


def test_a_peer_that_hangs_up_in_a_pdu_leaves_nothing(gate: DicomGate) -> None:
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(C_ECHO_RQ[:9])
    all_gone(gate)


def test_a_peer_that_does_not_close_is_closed(gate: DicomGate) -> None:
    """PS3.8 table 9-10, state 13, event 18."""
    with wire(gate.port) as peer:
        peer.send(associate_rq(called="NOPE"))
        assert rejection(peer.pdu()) == (1, 1, 7)
        all_gone(gate)


def test_a_peer_that_does_not_read_holds_nobody(gate: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_socket, "SEND_SECONDS", SHORT)
    with wire(gate.port) as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.associate()
        peer.socket.settimeout(2)
        with pytest.raises(OSError):  # noqa: PT012 - when both buffers are full, or the gate has gone
            while True:
                peer.send(C_ECHO_RQ * 1000)
    all_gone(gate)


def _is_shut(peer: Wire) -> bool:
    """Whether the other side has ended the connection already."""
    peer.socket.settimeout(0)
    try:
        return peer.socket.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_strangers_of_one_address_are_few(gate: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upper_layer, "REQUEST_SECONDS", 5)
    with ExitStack() as stack:
        peers = [stack.enter_context(wire(gate.port)) for _ in range(200)]
        wait_until(lambda: gate.associations == places.STRANGERS_PER_ADDRESS)
        wait_until(lambda: sum(map(_is_shut, peers)) == len(peers) - places.STRANGERS_PER_ADDRESS)
        with wire(gate.port, "127.0.0.1") as late:
            assert late.pdu() == b""
    all_gone(gate)
    assert "too many connections" in gate.causes()


def test_who_is_let_in_is_no_stranger_any_more(gate: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upper_layer, "REQUEST_SECONDS", 5)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(wire(gate.port)).associate()
        assert Seats(gate.installation.settings.data / "associations").has_room("stranger", 1)
    all_gone(gate)


def test_a_reset_connection_is_forgotten(gate: DicomGate) -> None:
    """A reset in the middle of an operation is the end of it, and of nothing else."""
    with wire(gate.port) as peer:
        peer.associate()
        peer.send(C_ECHO_RQ)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    all_gone(gate)
