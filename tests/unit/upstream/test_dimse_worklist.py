"""A worklist asked: dcmtk's wlmscpfs, on behalf of a modality and for the order of a study."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset

from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.dimse.orders import WorklistOrders
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.worklist import PeerWorklist
from tests.support.data_sets import data_set
from tests.support.ports import free_port
from tests.support.wlmscpfs import Wlmscpfs, order, running_worklist

pytestmark = pytest.mark.server("dcmtk")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wlmscpfs]:
    items = [
        order(AccessionNumber="A1", StudyInstanceUID="2.25.1", PatientID="P1", RequestingService="Ärzte"),
        order(AccessionNumber="A2", StudyInstanceUID="2.25.2", PatientID="P2", RequestingService="ICU"),
        order(
            AccessionNumber="A2",
            StudyInstanceUID="2.25.2",
            PatientID="P2",
            RequestingService="ICU",
            step_ScheduledProcedureStepID="SPS2",
            step_Modality="MR",
        ),
        order(AccessionNumber="A3", PatientID="P3", RequestingService="Ward 1"),
        order(AccessionNumber="A3", PatientID="P4", RequestingService="Ward 2"),
    ]
    with running_worklist(tmp_path_factory.mktemp("wlmscpfs"), items) as running:
        yield running


@pytest.fixture
def orders(server: Wlmscpfs) -> Iterator[WorklistOrders]:
    asked = WorklistOrders(server.peer)
    yield asked
    asked.close()


def question(modality: str = "") -> Dataset:
    identifier = data_set(PatientName="", PatientID="", AccessionNumber="")
    identifier.ScheduledProcedureStepSequence = [data_set(Modality=modality, ScheduledStationAETitle="CT1")]
    return identifier


def test_a_query_is_answered_as_the_worklist_answers_it(server: Wlmscpfs) -> None:
    worklist = PeerWorklist(server.peer)
    try:
        assert len(list(worklist.find(question()))) == 5
        (only,) = worklist.find(question("MR"))
        assert (only.PatientID, only.AccessionNumber) == ("P2", "A2")
    finally:
        worklist.close()


def test_a_search_that_is_left_early_does_not_spoil_the_next(server: Wlmscpfs) -> None:
    worklist = PeerWorklist(server.peer)
    try:
        rows = worklist.find(question())
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        assert len(list(worklist.find(question()))) == 5
    finally:
        worklist.close()


def test_an_order_is_found_by_its_accession_number_else_by_its_study(orders: WorklistOrders) -> None:
    by_number = orders.order_of(data_set(AccessionNumber="A1", StudyInstanceUID="2.25.2"))
    by_study = orders.order_of(data_set(AccessionNumber="", StudyInstanceUID="2.25.1"))
    assert by_number is not None
    assert by_number.RequestingService == "Ärzte"
    assert by_number == by_study


def test_an_order_of_several_steps_is_one_order(orders: WorklistOrders) -> None:
    found = orders.order_of(data_set(AccessionNumber="A2"))
    assert found is not None
    assert found.RequestingService == "ICU"
    assert "ScheduledProcedureStepSequence" not in found


def test_what_could_be_one_of_two_orders_is_none(orders: WorklistOrders) -> None:
    assert orders.order_of(data_set(AccessionNumber="A3")) is None


@pytest.mark.parametrize("number", ["A*", "*", "A?", "A1\\A2", "nobody's", " "])
def test_a_pattern_finds_no_order(orders: WorklistOrders, number: str) -> None:
    assert orders.order_of(data_set(AccessionNumber=number)) is None


def test_a_worklist_that_is_down_is_an_error_to_who_asks_and_no_order_to_who_stores() -> None:
    peer = Peer("127.0.0.1", free_port(), "WORKLIST", "GATE", timeout_seconds=2)
    with pytest.raises(ArchiveError):
        list(PeerWorklist(peer).find(question()))
    assert WorklistOrders(peer).order_of(data_set(AccessionNumber="A1")) is None


def test_after_a_failure_nobody_waits_for_the_worklist_for_a_while(server: Wlmscpfs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        orders = WorklistOrders(replace(server.peer, port=silent.getsockname()[1], timeout_seconds=0.5))
        waited = []
        for _ in range(3):
            since = time.monotonic()
            assert orders.order_of(data_set(AccessionNumber="A1")) is None
            waited.append(time.monotonic() - since)
    assert waited[0] >= 0.5
    assert max(waited[1:]) < 0.3
