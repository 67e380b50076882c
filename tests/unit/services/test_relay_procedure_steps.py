"""Procedure steps go on to whoever keeps them, for whoever might store the studies they name, and are their sender's own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from pacsgate.audit.events import EventKind
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.occurrences import OccurrenceKind
from pacsgate.ports.procedure_steps import StepAnswer
from pacsgate.protocols.dimse.data_sets import write_data_set
from pacsgate.services.relay_procedure_steps import RelayProcedureSteps, StepMessage
from tests.support.installed import main_archive
from tests.support.objects import small_hospital
from tests.support.storing import Storing, storing

STEP = "2.25.77"


@dataclass
class Keeper:
    """`ports.ProcedureSteps` that answers what a test says."""

    answer: StepAnswer | ArchiveError = field(default_factory=lambda: StepAnswer(0))
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)

    def create(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        return self._take("create", sop_instance_uid, encoded, transfer_syntax_uid)

    def change(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        return self._take("change", sop_instance_uid, encoded, transfer_syntax_uid)

    def _take(self, what: str, uid: str, encoded: bytes, syntax: str) -> StepAnswer:
        assert syntax == ExplicitVRLittleEndian
        self.heard.append((what, uid, encoded))
        if isinstance(self.answer, ArchiveError):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class Relaying:
    """The use case between modalities and a keeper."""

    stores: Storing
    keeper: Keeper
    use_case: RelayProcedureSteps

    def create(self, name: str, message: StepMessage) -> StepAnswer | None:
        subject, bound = self.stores.bound(name)
        installation = self.stores.installation
        circumstances = self.stores.circumstances(subject, bound)
        archive = main_archive(installation)
        return self.use_case.create(installation.scope, archive, message, subject, bound, circumstances)

    def change(self, name: str, message: StepMessage) -> StepAnswer | None:
        subject, bound = self.stores.bound(name)
        installation = self.stores.installation
        circumstances = self.stores.circumstances(subject, bound)
        return self.use_case.change(
            installation.scope, main_archive(installation), message, subject, circumstances
        )

    def is_remembered(self) -> bool:
        installation = self.stores.installation
        found = installation.stores.handles.find(
            installation.scope, main_archive(installation), HandleKind.PROCEDURE_STEP, STEP
        )
        return found is not None


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[Relaying]:
    with storing(tmp_path) as stores:
        keeper = Keeper()
        installation = stores.installation
        use_case = RelayProcedureSteps(
            keeper,
            installation.stores.handles,
            installation.freshness,
            installation.policies,
            stores.trail,
            stores.heard,
        )
        yield Relaying(stores, keeper, use_case)


def step(*studies: str, uid: str = STEP, status: str = "IN PROGRESS") -> StepMessage:
    """What a modality says of a step about these studies."""
    data_set = Dataset()
    data_set.PatientID = "P0"
    data_set.Modality = "MR"
    data_set.PerformedStationAETitle = "MR1"
    data_set.PerformedProcedureStepStatus = status
    data_set.ScheduledStepAttributesSequence = []
    for study in studies:
        item = Dataset()
        item.StudyInstanceUID = study
        data_set.ScheduledStepAttributesSequence.append(item)
    return StepMessage(
        uid, data_set, write_data_set(data_set, ExplicitVRLittleEndian), str(ExplicitVRLittleEndian)
    )


def test_a_step_about_a_study_that_its_sender_might_store_goes_on_as_it_came(relaying: Relaying) -> None:
    relaying.keeper.answer = StepAnswer(0, b"told")
    message = step("1.2.3")
    assert relaying.create("CT1", message) == StepAnswer(0, b"told")
    assert relaying.keeper.heard == [("create", STEP, message.encoded)]
    (event,) = relaying.stores.trail.of(EventKind.PROCEDURE_STEP_CREATED)
    assert event.study is not None
    assert (event.study.study_instance_uid, event.study.patient_id) == ("1.2.3", "P0")
    assert event.details["procedure_step"] == STEP


def test_a_step_that_began_is_told_to_who_derives_permissions_from_it(relaying: Relaying) -> None:
    relaying.create("CT1", step("1.2.3", "1.2.4"))
    told = relaying.stores.heard.occurrences
    assert {each.kind for each in told} == {OccurrenceKind.PROCEDURE_STEP_CREATED}
    assert [each.study_instance_uid for each in told] == ["1.2.3", "1.2.4"]
    # Who sent it, as its association says, and not the station that the step names (`MR1`).
    assert {(each.source, each.calling_ae_title) for each in told} == {(STEP, "SCANNER")}


def test_a_step_about_a_study_that_its_sender_might_not_store_is_refused_and_goes_nowhere(
    relaying: Relaying,
) -> None:
    (theirs,) = small_hospital(studies=1, series=1, instances=1)
    relaying.stores.store("CT2", theirs)
    relaying.stores.heard.occurrences.clear()
    for message in (step(theirs.key.study_instance_uid), step("1.2.3", theirs.key.study_instance_uid)):
        assert relaying.create("CT1", message) is None
    assert relaying.create("onc1", step("1.2.3")) is None
    assert relaying.keeper.heard == []
    assert relaying.stores.heard.occurrences == []
    assert len(relaying.stores.trail.of(EventKind.DENIED)) == 3


def test_only_who_began_a_step_goes_on_with_it(relaying: Relaying) -> None:
    relaying.create("CT1", step("1.2.3"))
    assert relaying.change("CT2", changed()) is None
    assert relaying.create("CT2", step("1.2.9")) is None
    assert relaying.change("CT1", changed(uid="2.25.78")) is None
    assert len(relaying.keeper.heard) == 1
    assert relaying.change("CT1", changed("COMPLETED")) == StepAnswer(0)
    assert relaying.keeper.heard[-1][0] == "change"
    (event,) = relaying.stores.trail.of(EventKind.PROCEDURE_STEP_CHANGED)
    assert event.study is not None
    assert event.study.study_instance_uid == "1.2.3"


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
def test_a_step_that_ended_is_forgotten(relaying: Relaying, status: str) -> None:
    relaying.create("CT1", step("1.2.3"))
    relaying.change("CT1", changed())
    assert relaying.is_remembered()
    relaying.change("CT1", changed(status))
    assert not relaying.is_remembered()


def test_a_step_that_its_keeper_refused_never_began(relaying: Relaying) -> None:
    relaying.keeper.answer = StepAnswer(0x0110)
    assert relaying.create("CT1", step("1.2.3")) == StepAnswer(0x0110)
    assert not relaying.is_remembered()
    assert relaying.stores.heard.occurrences == []


def test_a_step_that_its_keeper_has_already_stays_its_senders(relaying: Relaying) -> None:
    relaying.create("CT1", step("1.2.3"))
    relaying.keeper.answer = StepAnswer(0x0111)
    assert relaying.create("CT1", step("1.2.3")) == StepAnswer(0x0111)
    assert relaying.is_remembered()


def test_a_step_of_which_its_keeper_says_nothing_is_not_its_senders(relaying: Relaying) -> None:
    relaying.keeper.answer = ArchiveError("gone")
    with pytest.raises(ArchiveError):
        relaying.create("CT1", step("1.2.3"))
    assert not relaying.is_remembered()
    assert relaying.stores.heard.occurrences == []
    relaying.keeper.answer = StepAnswer(0)
    assert relaying.change("CT1", changed("DISCONTINUED")) is None


def test_a_step_is_nobodys_while_its_keeper_is_asked_to_begin_it(relaying: Relaying) -> None:
    asked: list[StepAnswer | None] = []

    def answer_late(*_: object) -> StepAnswer:
        asked.append(relaying.change("CT1", changed("DISCONTINUED")))
        return StepAnswer(0x0111)

    relaying.keeper.create = answer_late  # type: ignore[method-assign]
    assert relaying.create("CT1", step("1.2.3")) == StepAnswer(0x0111)
    assert asked == [None]


def test_nothing_goes_on_without_a_record(relaying: Relaying) -> None:
    relaying.stores.trail.broken = True
    with pytest.raises(Exception, match="trail"):
        relaying.create("CT1", step("1.2.3"))
    assert relaying.keeper.heard == []


@pytest.mark.parametrize("studies", [(), ("not a uid",)])
def test_a_step_that_names_no_study_is_not_understood(relaying: Relaying, studies: tuple[str, ...]) -> None:
    with pytest.raises(RequestError):
        relaying.create("CT1", step(*studies))
    assert relaying.keeper.heard == []


@pytest.mark.parametrize("keyword", ["ScheduledStepAttributesSequence", "PatientID"])
def test_a_step_does_not_become_one_about_other_studies(relaying: Relaying, keyword: str) -> None:
    relaying.create("CT1", step("1.2.3"))
    moved = changed()
    moved.data_set[keyword] = step("1.2.9").data_set[keyword]
    with pytest.raises(RequestError):
        relaying.change("CT1", moved)
    assert [what for what, _, _ in relaying.keeper.heard] == ["create"]


def changed(status: str = "IN PROGRESS", uid: str = STEP) -> StepMessage:
    """What a modality says later of a step."""
    data_set = Dataset()
    data_set.PerformedProcedureStepStatus = status
    return StepMessage(
        uid, data_set, write_data_set(data_set, ExplicitVRLittleEndian), str(ExplicitVRLittleEndian)
    )
