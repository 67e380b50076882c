"""PDUs that nobody would send, whole, in pieces and byte by byte: an A-ABORT or an answer, and the door goes on."""

import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.presentation import build_context

from pacsgate.protocols.dimse.pdus import HEADER_BYTES, PduError, PduReader, data_values
from pacsgate.protocols.dimse.request_items import require_sensible
from tests.support.dimse import role_of_scp, user_identity
from tests.support.dimse_gate import DicomGate, open_dicom_gate
from tests.support.dimse_wire import (
    C_ECHO_RQ,
    RELEASE_RQ,
    Wire,
    associate_rq,
    command,
    identity_item,
    p_data,
    wire,
)
from tests.support.people import PASSWORD
from tests.support.waiting import wait_until

DATA_BYTES = 1000
_kinds = st.sampled_from([2, 3, 4, 5, 6, 7, 1])
_seeds = st.sampled_from(
    [
        associate_rq(),
        associate_rq("PACSGATE", user_items=identity_item(2, b"reader1", PASSWORD.encode(), response=True)),
        C_ECHO_RQ,
        p_data(1, command(0x0020, data_set=True), is_command=True),
        p_data(1, b"\x08\0\x52\0\x06\0\0\0STUDY ", is_command=False),
        RELEASE_RQ,
    ]
)


@st.composite
def _pdus(draw: st.DrawFn) -> bytes:
    kind = draw(_kinds)
    body = draw(st.binary(max_size=DATA_BYTES if kind == 4 else 4))
    return struct.pack(">BxL", kind, len(body)) + body


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A good PDU with a few bytes changed, taken out or put in."""
    pdu = bytearray(draw(_seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(pdu) - 1)) if pdu else 0
        match draw(st.sampled_from(["change", "cut", "insert"])):
            case "change" if pdu:
                pdu[at] = draw(st.integers(0, 255))
            case "cut":
                del pdu[at : at + draw(st.integers(1, 20))]
            case _:
                pdu[at:at] = draw(st.binary(min_size=1, max_size=20))
    return bytes(pdu)


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


@given(st.lists(_pdus(), max_size=5), st.lists(st.integers(0, 300), max_size=30))
def test_pdus_are_the_same_however_they_are_cut(pdus: list[bytes], sizes: list[int]) -> None:
    reader = PduReader(DATA_BYTES)
    found = [pdu for piece in _cut(b"".join(pdus), sizes) for pdu in reader.feed(piece)]
    assert found == pdus
    assert reader.is_between_pdus


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_no_more_is_kept_than_a_pdu_may_have(pieces: list[bytes]) -> None:
    reader = PduReader(DATA_BYTES)
    try:
        for piece in pieces:
            for pdu in reader.feed(piece):
                assert len(pdu) == HEADER_BYTES + struct.unpack_from(">L", pdu, 2)[0]
            assert len(reader._held) <= HEADER_BYTES + (1 << 20) + len(piece)
    except PduError:
        return


@given(st.binary(max_size=200))
def test_values_lie_inside_their_pdu(body: bytes) -> None:
    pdu = struct.pack(">BxL", 4, len(body)) + body
    try:
        values = list(data_values(pdu))
    except PduError:
        return
    assert sum(len(value.value) + 5 for value in values) == len(body)


@given(st.lists(st.tuples(st.integers(0, 127), st.binary(min_size=1, max_size=100)), max_size=8))
def test_values_are_those_that_the_library_writes_and_reads(values: list[tuple[int, bytes]]) -> None:
    said = [(2 * number + 1, value) for number, value in values]
    primitive = P_DATA()
    primitive.presentation_data_value_list.extend(said)
    written = P_DATA_TF(primitive).encode()
    found = [(value.context_id, bytes(value.value)) for value in data_values(written)]
    read = P_DATA_TF()
    read.decode(written)
    assert found == said == [tuple(value) for value in read.to_primitive().presentation_data_value_list]


@given(
    st.lists(
        st.lists(st.sampled_from(ALL_TRANSFER_SYNTAXES), min_size=1, unique=True), min_size=1, max_size=128
    ),
    st.integers(0, 128),
    st.binary(max_size=60_000),
)
def test_whatever_the_library_can_request_may_be_requested(
    syntaxes: list[list[str]], roles: int, token: bytes
) -> None:
    classes = [context.abstract_syntax for context in AllStoragePresentationContexts[:128]]
    entity = AE("TEST")
    association = Association(entity, "requestor")
    association.requestor.ae_title, association.acceptor.ae_title = "TEST", "WARD"
    contexts = [build_context(uid, chosen) for uid, chosen in zip(classes, syntaxes, strict=False)]
    for number, context in enumerate(contexts):
        context.context_id = 2 * number + 1
    association.requestor.requested_contexts = contexts
    association.requestor.add_negotiation_item(user_identity(5, token))
    for uid in classes[:roles]:
        association.requestor.add_negotiation_item(role_of_scp(uid))
    sent: list[object] = []
    association.dul.send_pdu = sent.append
    association.acse.send_request()
    pdu = A_ASSOCIATE_RQ(sent[0]).encode()
    require_sensible(pdu)
    assert list(PduReader(DATA_BYTES).feed(pdu)) == [pdu]


@given(_mutated())
def test_a_request_that_passes_has_few_items(pdu: bytes) -> None:
    with suppress(PduError):
        require_sensible(pdu)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DicomGate]:
    with open_dicom_gate(tmp_path_factory.mktemp("fuzzed")) as opened:
        yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_mutated(), min_size=1, max_size=4), st.sampled_from([0, 1, 7]), st.booleans())
def test_whatever_a_peer_sends_the_door_goes_on(
    gate: DicomGate, sent: list[bytes], at_once: int, is_associated: bool
) -> None:
    with wire(gate.port) as peer:
        if is_associated:
            peer.associate()
        with suppress(OSError):  # it may be shown the door in the middle
            _send(peer, b"".join(sent), at_once)
    with wire(gate.port) as next_one:
        next_one.associate()
        assert next_one.echo() == 0


def test_nothing_is_left_of_them(gate: DicomGate) -> None:
    wait_until(lambda: gate.associations == 0)
    wait_until(lambda: sum(thread.name.startswith("Thread-") for thread in threading.enumerate()) < 10)


def _send(peer: Wire, data: bytes, at_once: int) -> None:
    for start in range(0, len(data), at_once or len(data) or 1):
        peer.send(data[start : start + (at_once or len(data))])
