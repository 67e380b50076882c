"""Responses of one operation on their way to the socket."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.presentation import build_context

from pacsgate.gateway.dimse.operation import Operation
from pacsgate.protocols.dimse.command_set import Element, decode_command, number_in
from pacsgate.protocols.dimse.pdus import PduReader, data_values
from pacsgate.protocols.dimse.services import service_of
from pacsgate.protocols.dimse.statuses import Status

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"


@dataclass
class Peer:
    """The association as an operation uses it, with what the peer takes per PDU."""

    longest: int = 16384
    sent: list[bytes] = field(default_factory=list)

    @property
    def dimse(self) -> Any:
        return SimpleNamespace(maximum_pdu_size=self.longest, cancel_req={})

    def send_pdus(self, buffer: bytes) -> None:
        self.sent.append(buffer)

    def told(self) -> list[tuple[int, bytes]]:
        """The status of each response, and its identifier."""
        told: list[tuple[int, bytes]] = []
        for pdu in PduReader(1 << 20).feed(b"".join(self.sent)):
            for _, value in data_values(pdu):
                if value[0] & 1:
                    told.append((number_in(decode_command(bytes(value[1:])), Element.STATUS) or 0, b""))
                else:
                    told[-1] = told[-1][0], told[-1][1] + bytes(value[1:])
        return told


def find_over(peer: Peer) -> Operation:
    request = C_FIND()
    request.MessageID, request.AffectedSOPClassUID = 7, STUDY_ROOT
    context = build_context(STUDY_ROOT, ImplicitVRLittleEndian)
    context.context_id = 1
    service = service_of(STUDY_ROOT)
    assert service is not None
    association: Any = peer
    return Operation(association, request, context, service)


def test_the_last_rows_leave_with_the_final_response_in_one_piece() -> None:
    peer = Peer()
    operation = find_over(peer)
    operation.respond_each(Status.PENDING, [b"row 1 ", b"row 2 "])
    assert not peer.sent
    operation.respond(Status.SUCCESS)
    assert len(peer.sent) == 1
    assert peer.told() == [(Status.PENDING, b"row 1 "), (Status.PENDING, b"row 2 "), (Status.SUCCESS, b"")]


def test_many_rows_leave_before_all_are_there() -> None:
    peer = Peer()
    operation = find_over(peer)
    rows = [bytes([number]) * 400 for number in range(250)]
    for first in range(0, 250, 50):
        operation.respond_each(Status.PENDING, rows[first : first + 50])
    assert sum(map(len, peer.sent)) >= 64 * 1024
    operation.respond(Status.SUCCESS)
    assert peer.told() == [*((Status.PENDING, row) for row in rows), (Status.SUCCESS, b"")]
    assert all(len(buffer) < 80 * 1024 for buffer in peer.sent)


def test_no_pdu_is_longer_than_the_peer_takes() -> None:
    peer = Peer(longest=256)
    operation = find_over(peer)
    operation.respond_each(Status.PENDING, [b"x" * 1000])
    operation.respond(Status.CANCEL)
    assert all(len(pdu) <= 256 + 6 for pdu in PduReader(1 << 20).feed(b"".join(peer.sent)))
    assert peer.told() == [(Status.PENDING, b"x" * 1000), (Status.CANCEL, b"")]
