"""What somebody with an account tries in order to see, or to touch, what is not theirs."""

import threading
import time
from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.e2e.asking import NOT_AUTHORIZED, annotation, another, found, policy_of, reasons, stow
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.scripted_http import answering
from tests.support.unrecorded import client, token

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
WAITING_REQUESTS = 64
"""Twice as many as all workers have threads for."""
SILENT_SECONDS = 4
PROMPT_SECONDS = 2

CLERK_MASK = "mask: {all_but: [PatientID, StudyDate, StudyTime, StudyDescription, ModalitiesInStudy]}"
PROCEDURE_MASK = "mask: [RequestedProcedureDescription]"


@pytest.fixture(scope="module")
def gate_before_a_silent_origin(
    furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """A hospital with a second archive that accepts connections and never answers."""
    with answering(b"", then_wait=True) as silent:
        own = furnished.copy_to(tmp_path_factory.mktemp("silent") / "gate")
        second = f"  silent: {{kind: dicomweb, url: '{silent}', timeout_seconds: {SILENT_SECONDS}}}\n"
        text = own.config.read_text("utf-8").replace("archives:\n", f"archives:\n{second}")
        own.config.write_text(f"{text}default_archive: main\n", "utf-8")
        with opened(own) as hospital:
            yield hospital


def test_a_masked_attribute_is_not_matched_inside_a_sequence_either(own_hospital: RunningHospital) -> None:
    secret = another(own_hospital.objects["S6"][0], StudyInstanceUID=generate_uid())
    request = Dataset()
    request.RequestedProcedureDescription = "HIV workup"
    secret.RequestAttributesSequence = [request]
    assert stow(own_hospital, "CT1", "/studies", secret).status_code == 200
    clerk = client(token(own_hospital, "clerk1"))
    path = f"{own_hospital.dicomweb}/series?StudyInstanceUID={secret.StudyInstanceUID}"
    text = own_hospital.policy.read_text("utf-8").replace(CLERK_MASK, PROCEDURE_MASK)
    with policy_of(own_hospital, text, lambda: clerk.get(f"{path}&Modality=US").status_code == 200):
        assert clerk.get(path).status_code == 200
        asked = f"{path}&RequestAttributesSequence.RequestedProcedureDescription"
        assert {clerk.get(f"{asked}={value}").status_code for value in ("HIV*", "NOTHING*")} == {403}


def test_an_annotation_cannot_put_a_study_under_another_patient(own_hospital: RunningHospital) -> None:
    planted = annotation(own_hospital.objects["S1"][0], BASIC_TEXT_SR, "SR")
    planted.PatientID = own_hospital.objects["S2"][0].PatientID
    answered = stow(own_hospital, "rad1", "/studies", planted)
    assert (answered.status_code, reasons(answered)) == (409, [NOT_AUTHORIZED])
    assert "S1" in found(own_hospital, "tech1")


def test_an_annotation_cannot_change_what_policies_know_of_a_study(own_hospital: RunningHospital) -> None:
    planted = annotation(own_hospital.objects["S1"][0], BASIC_TEXT_SR, "SR")
    planted.InstitutionalDepartmentName = "MR-B"
    answered = stow(own_hospital, "rad1", "/studies", planted)
    assert (answered.status_code, reasons(answered)) == (409, [NOT_AUTHORIZED])
    assert found(own_hospital, "rad1") == {"S1"}


def test_an_annotation_that_names_no_department_is_welcome(own_hospital: RunningHospital) -> None:
    made = annotation(own_hospital.objects["S1"][0], BASIC_TEXT_SR, "SR")
    del made.InstitutionalDepartmentName
    assert stow(own_hospital, "rad1", "/studies", made).status_code == 200
    assert found(own_hospital, "rad1") == {"S1"}


@pytest.mark.parametrize("series", [1, 2])
def test_an_annotation_cannot_join_a_series_of_another_kind(
    own_hospital: RunningHospital, series: int
) -> None:
    """Else a technologist could make images look like a report, which is hidden from students."""
    planted = annotation(own_hospital.objects["S9"][0], KEY_OBJECTS, "KO")
    planted.SeriesInstanceUID = own_hospital.studies["S9"].series_instance_uid(series)
    answered = stow(own_hospital, "tech1", "/studies", planted)
    assert (answered.status_code, reasons(answered)) == (409, [NOT_AUTHORIZED])


def test_a_reference_to_a_hidden_study_is_refused_like_one_to_a_missing_study(
    own_hospital: RunningHospital,
) -> None:
    answers = set()
    for referred in (own_hospital.studies["S2"].study_instance_uid, generate_uid()):
        made = annotation(own_hospital.objects["S1"][0], BASIC_TEXT_SR, "SR")
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "2.25.4711"
        made.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID = referred
        answered = stow(own_hospital, "rad1", "/studies", made)
        answers.add((answered.status_code, answered.content))
    assert len(answers) == 1


def test_an_archive_that_hangs_holds_up_nobody_who_asks_another(
    gate_before_a_silent_origin: RunningHospital,
) -> None:
    gate = gate_before_a_silent_origin
    chief, rad = (token(gate, person) for person in ("chief1", "rad1"))

    def wait_for_it(number: int) -> None:
        client(chief).get(f"{gate.url}/archives/silent/dicom-web/studies/1.2.{number}/metadata", timeout=60)

    waiting = [threading.Thread(target=wait_for_it, args=(number,)) for number in range(WAITING_REQUESTS)]
    for thread in waiting:
        thread.start()
    time.sleep(0.5)
    try:
        for path in ("/studies", gate.study("S1") + "/metadata"):
            for _ in range(4):  # a new connection each time: whichever worker takes it must be free
                asked = time.monotonic()
                assert client(rad).get(f"{gate.dicomweb}{path}", timeout=60).ok
                assert time.monotonic() - asked < PROMPT_SECONDS
    finally:
        for thread in waiting:
            thread.join()
