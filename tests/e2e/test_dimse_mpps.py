"""Procedure steps through the gate, between real associations: a modality before it, and whoever keeps them behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityPerformedProcedureStep

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.support.dimse import DICOM_SETTINGS, Dicom, opened_with_dicom, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital
from tests.support.ports import free_port

SUCCESS, REFUSED, DUPLICATE = 0x0000, 0x0124, 0x0111


@dataclass
class Ris:
    """Keeps procedure steps as a RIS does, and refuses to make one twice."""

    steps: dict[str, list[Dataset]] = field(default_factory=dict)
    from_titles: set[str] = field(default_factory=set)

    def create(self, event: evt.Event) -> tuple[int, Dataset | None]:
        uid = str(event.request.AffectedSOPInstanceUID)
        self.from_titles.add(event.assoc.requestor.ae_title)
        if uid in self.steps:
            return DUPLICATE, None
        self.steps[uid] = [event.attribute_list]
        return SUCCESS, event.attribute_list

    def change(self, event: evt.Event) -> tuple[int, Dataset | None]:
        self.steps[str(event.request.RequestedSOPInstanceUID)].append(event.modification_list)
        return SUCCESS, event.modification_list


@dataclass(frozen=True)
class Ward:
    hospital: RunningHospital
    dicom: Dicom
    ris: Ris


@pytest.fixture(scope="module")
def ward(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    ris, port = Ris(), free_port()
    keeper = AE("RIS")
    keeper.add_supported_context(ModalityPerformedProcedureStep)
    handlers = [(evt.EVT_N_CREATE, ris.create), (evt.EVT_N_SET, ris.change)]
    server = keeper.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    kept = (
        f"  procedure_steps: {{host: 127.0.0.1, port: {port}, ae_title: RIS, calling_ae_title: PACSGATE}}\n"
    )
    directory: Path = tmp_path_factory.mktemp("mpps") / "gate"
    try:
        with opened_with_dicom(with_dicom(furnished.copy_to(directory), DICOM_SETTINGS + kept)) as running:
            yield Ward(*running, ris)
    finally:
        server.shutdown()


def step(study: str, status: str = "IN PROGRESS") -> Dataset:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.PatientName, made.PatientID = "Müller^Käthe", "P0"
    made.Modality, made.PerformedStationAETitle = "CT", "CT1"
    made.PerformedProcedureStepStatus = status
    item = Dataset()
    item.StudyInstanceUID = study
    made.ScheduledStepAttributesSequence = [item]
    return made


def ended() -> Dataset:
    made = Dataset()
    made.PerformedProcedureStepStatus = "COMPLETED"
    return made


def test_a_modality_begins_and_ends_a_step_and_the_ris_has_it_as_it_was_sent(ward: Ward) -> None:
    uid, sent = str(generate_uid()), step(str(generate_uid()))
    with ward.dicom.association("CT1", ModalityPerformedProcedureStep) as association:
        status, answer = association.send_n_create(sent, ModalityPerformedProcedureStep, uid)
        assert status.Status == SUCCESS
        assert answer == sent
        status, _ = association.send_n_set(ended(), ModalityPerformedProcedureStep, uid)
        assert status.Status == SUCCESS
    assert ward.ris.steps[uid] == [sent, ended()]
    assert ward.ris.from_titles == {"PACSGATE"}
    for kind in (EventKind.PROCEDURE_STEP_CREATED, EventKind.PROCEDURE_STEP_CHANGED):
        assert uid in {event["details.procedure_step"] for event in events(ward.hospital, kind=kind)}


def test_a_step_about_somebody_elses_study_and_somebody_elses_step_are_refused_alike(ward: Ward) -> None:
    theirs = ward.hospital.studies["S2"].study_instance_uid
    uid = str(generate_uid())
    with ward.dicom.association("CT1", ModalityPerformedProcedureStep) as association:
        about_theirs, _ = association.send_n_create(step(theirs), ModalityPerformedProcedureStep, uid)
        nobodys, _ = association.send_n_set(ended(), ModalityPerformedProcedureStep, uid)
    assert {(int(each.Status), each.ErrorComment) for each in (about_theirs, nobodys)} == {
        (REFUSED, "not authorized")
    }
    assert uid not in ward.ris.steps


def test_the_ris_answers_for_itself(ward: Ward) -> None:
    uid, sent = str(generate_uid()), step(str(generate_uid()))
    with ward.dicom.association("CT1", ModalityPerformedProcedureStep) as association:
        statuses = [
            int(association.send_n_create(sent, ModalityPerformedProcedureStep, uid)[0].Status)
            for _ in range(2)
        ]
    assert statuses == [SUCCESS, DUPLICATE]


def test_who_stores_nothing_tells_of_no_steps(ward: Ward) -> None:
    with (
        pytest.raises(ConnectionAbortedError),
        ward.dicom.association("ref1", ModalityPerformedProcedureStep),
    ):
        pass
