"""Messages about procedure steps handed on to a keeper, and its answers handed back."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.data_sets import read_data_set, write_data_set
from pacsgate.protocols.dimse.services import MODALITY_PERFORMED_PROCEDURE_STEP
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.procedure_steps import PeerProcedureSteps
from tests.support.ports import free_port

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DUPLICATE = 0x0111


class Keeper:
    """A RIS: what it was told, byte for byte, and what it answers next."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bytes, str]] = []
        self.status = 0x0000
        self.port = free_port()

    def create(self, event: Any) -> tuple[int, Dataset | None]:
        request = event.request
        self._note("create", str(request.AffectedSOPInstanceUID), request.AttributeList, event)
        return self.status, self._answer()

    def change(self, event: Any) -> tuple[int, Dataset | None]:
        request = event.request
        self._note("change", str(request.RequestedSOPInstanceUID), request.ModificationList, event)
        return self.status, self._answer()

    def _note(self, what: str, uid: str, encoded: Any, event: Any) -> None:
        self.told.append((what, uid, encoded.getvalue(), str(event.context.transfer_syntax)))

    def _answer(self) -> Dataset | None:
        answer = Dataset()
        answer.PerformedProcedureStepID = "RIS-1"
        return answer if self.status == 0 else None


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper()
    entity = AE("RIS")
    entity.add_supported_context(MODALITY_PERFORMED_PROCEDURE_STEP, [EXPLICIT, IMPLICIT])
    handlers = [(evt.EVT_N_CREATE, made.create), (evt.EVT_N_SET, made.change)]
    server = entity.start_server(("127.0.0.1", made.port), block=False, evt_handlers=handlers)
    yield made
    server.shutdown()


@pytest.fixture
def steps(keeper: Keeper) -> Iterator[PeerProcedureSteps]:
    made = PeerProcedureSteps(Peer("127.0.0.1", keeper.port, "RIS", "GATE", timeout_seconds=5))
    yield made
    made.close()


def step(syntax: str) -> bytes:
    data_set = Dataset()
    data_set.PerformedStationAETitle = "CT1"
    data_set.PerformedProcedureStepStatus = "IN PROGRESS"
    return write_data_set(data_set, syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_a_step_is_handed_on_as_it_came_and_the_answer_comes_back(
    keeper: Keeper, steps: PeerProcedureSteps, syntax: str
) -> None:
    encoded = step(syntax)
    created = steps.create("2.25.1", encoded, syntax)
    changed = steps.change("2.25.1", encoded, syntax)
    assert keeper.told == [("create", "2.25.1", encoded, syntax), ("change", "2.25.1", encoded, syntax)]
    for answer in (created, changed):
        assert answer.status == 0
        assert read_data_set(answer.attributes or b"", syntax).PerformedProcedureStepID == "RIS-1"


def test_a_refusal_is_the_keepers_own(keeper: Keeper, steps: PeerProcedureSteps) -> None:
    keeper.status = DUPLICATE
    answer = steps.create("2.25.1", step(EXPLICIT), EXPLICIT)
    assert (answer.status, answer.attributes) == (DUPLICATE, None)


def test_a_keeper_that_takes_no_such_messages_or_is_gone_is_an_error() -> None:
    entity = AE("RIS")
    entity.add_supported_context("1.2.840.10008.1.1")
    port = free_port()
    steps = PeerProcedureSteps(Peer("127.0.0.1", port, "RIS", "GATE", timeout_seconds=5))
    server = entity.start_server(("127.0.0.1", port), block=False)
    with pytest.raises(ArchiveError, match="takes no such messages"):
        steps.create("2.25.1", step(EXPLICIT), EXPLICIT)
    server.shutdown()
    with pytest.raises(ArchiveError):
        steps.create("2.25.1", step(EXPLICIT), EXPLICIT)
    steps.close()
