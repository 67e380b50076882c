"""What somebody with an account tries in order to see, or to touch, what is not theirs."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
import urllib3
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from requests.auth import _basic_auth_str as basic_auth

from pacsgate.audit.events import EventKind
from tests.e2e.asking import NOT_AUTHORIZED, annotation, another, events, found, policy_of, reasons, stow
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.scripted_http import answering
from tests.support.unrecorded import client, token

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
WAITING_REQUESTS = 64
"""Twice as many as all workers have threads for."""
SILENT_SECONDS = 4
PROMPT_SECONDS = 2
CLAIMED_FRAMES = 2_000_000
GROWTH_BYTES = 48 * 1024**2
"""Less than a list of so many numbers takes."""

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


def test_a_hidden_report_does_not_tell_by_what_it_says_of_its_study(own_hospital: RunningHospital) -> None:
    image = own_hospital.objects["S9"][0]
    report = annotation(image, BASIC_TEXT_SR, "SR")
    report.StudyDescription, report.PatientName = "Suspected carcinoma", "Hidden^Name"
    assert stow(own_hospital, "chief1", "/studies", report).status_code == 200
    tech = client(token(own_hospital, "tech1"))
    for path in ("/studies?", f"/studies/{image.StudyInstanceUID}/series?"):
        asked = f"{own_hospital.dicomweb}{path}StudyInstanceUID={image.StudyInstanceUID}"
        for told in ("StudyDescription=Suspected*", "PatientName=Hidden*"):
            assert tech.get(f"{asked}&{told}").status_code == 204
        shown = tech.get(f"{asked}&includefield=all&StudyDescription={image.StudyDescription}")
        assert shown.status_code == 200
        assert not {"Suspected", "Hidden"} & set(re.findall(r"\w+", shown.text))


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


def test_an_object_with_the_uid_of_a_hidden_one_is_refused_on_record(own_hospital: RunningHospital) -> None:
    """That its refusal can tell of the UID is the one documented exception, so it must be seen."""
    before = len(_probes(own_hospital, "rad1"))
    answered = stow(own_hospital, "rad1", "/studies", _probing(own_hospital, seen="S1", hidden="S2"))
    assert (answered.status_code, reasons(answered)) == (409, [NOT_AUTHORIZED])
    assert len(_probes(own_hospital, "rad1")) == before + 1


def test_who_goes_on_like_that_must_wait_before_storing_again(own_hospital: RunningHospital) -> None:
    probing = _probing(own_hospital, seen="S2", hidden="S1")
    answers = [stow(own_hospital, "rad2", "/studies", probing) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [409] * 5 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    innocent = annotation(own_hospital.objects["S2"][0], BASIC_TEXT_SR, "SR")
    assert stow(own_hospital, "rad2", "/studies", innocent).status_code == 429
    assert len(_probes(own_hospital, "rad2")) == 5
    newest = events(own_hospital, user="rad2", kind=EventKind.DENIED)[-1]
    assert (newest["action"], newest["reasons"]) == ("store", ["locked-out"])
    assert own_hospital.client("rad2").get(f"{own_hospital.study('S2')}/metadata").ok


def _probing(hospital: RunningHospital, seen: str, hidden: str) -> Dataset:
    """A remark about a study that one sees, under the UID of an object that one does not."""
    probing = annotation(hospital.objects[seen][0], BASIC_TEXT_SR, "SR")
    probing.SOPInstanceUID = hospital.objects[hidden][0].SOPInstanceUID
    probing.file_meta.MediaStorageSOPInstanceUID = probing.SOPInstanceUID
    return probing


def _probes(hospital: RunningHospital, persona: str) -> list[dict]:
    denials = events(hospital, user=persona, kind=EventKind.DENIED)
    return [event for event in denials if event["action"] == "store" and "not-visible" in event["reasons"]]


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


@pytest.mark.parametrize(
    "media", ["application/dicom+json", 'multipart/related; type="application/dicom+xml"']
)
def test_metadata_of_any_size_is_whole_although_no_worker_holds_it_whole(
    own_hospital: RunningHospital, media: str
) -> None:
    image, study, series = own_hospital.objects["S2"][0], generate_uid(), generate_uid()
    made = []
    for number in range(30):
        large = another(image, StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
        large.PatientComments = f"{number} " + "x" * 60_000
        made.append(large)
    assert stow(own_hospital, "CT1", "/studies", *made).status_code == 200
    chief = client(token(own_hospital, "chief1"))
    whole = chief.get(f"{own_hospital.dicomweb}/studies/{study}/metadata", headers={"Accept": media})
    assert whole.status_code == 200
    assert "Content-Length" not in whole.headers
    for instance in made:
        assert whole.text.count(instance.SOPInstanceUID) == whole.text.count(made[0].SOPInstanceUID) > 0
    if media == "application/dicom+json":
        rows = whole.json()
        assert sorted(row["00200013"]["Value"][0] for row in rows) == list(range(30))
    assert len(whole.content) > 30 * 60_000
    assert events(own_hospital, user="chief1", study_instance_uid=study, kind=EventKind.INSTANCES_ACCESSED)


def test_an_image_that_claims_two_million_frames_takes_the_memory_of_those_it_has(
    own_hospital: RunningHospital,
) -> None:
    """A sender writes that number; to count so far in memory would end a worker."""
    claiming = another(own_hospital.objects["S2"][0], StudyInstanceUID=generate_uid())
    claiming.NumberOfFrames = CLAIMED_FRAMES
    assert stow(own_hospital, "CT1", "/studies", claiming).status_code == 200
    chief = client(token(own_hospital, "chief1"))
    study = f"{own_hospital.dicomweb}/studies/{claiming.StudyInstanceUID}"
    pictures = {"Accept": 'multipart/related; type="image/jpeg"'}
    workers = psutil.Process(own_hospital.process.pid).children(recursive=True)
    before = {worker.pid: _peak_bytes(worker) for worker in workers}
    for _ in range(6):
        with suppress(requests.exceptions.ChunkedEncodingError):  # it ends where the frames do
            chief.get(f"{study}/rendered", headers=pictures, timeout=60)
    assert {worker.pid: _peak_bytes(worker) - before[worker.pid] < GROWTH_BYTES for worker in workers} == (
        dict.fromkeys(before, True)
    )


def test_a_zip_of_many_small_objects_ends_when_access_does(own_hospital: RunningHospital) -> None:
    uid = generate_uid()
    for _ in range(8):
        images = [another(own_hospital.objects["S2"][0], StudyInstanceUID=uid) for _ in range(8)]
        for image in images:
            image.Rows, image.Columns, image.PixelData = 512, 512, bytes(512 * 1024)
        assert stow(own_hospital, "CT1", "/studies", *images).status_code == 200
    chief = client(token(own_hospital, "chief1"))
    zipped = chief.get(
        f"{own_hospital.dicomweb}/studies/{uid}",
        headers={"Accept": "application/zip"},
        stream=True,
        timeout=60,
    )
    received = len(zipped.raw.read(512 * 1024))
    assert own_hospital.cli("user", "disable", "chief1").returncode == 0
    try:
        with suppress(urllib3.exceptions.ProtocolError):
            while chunk := zipped.raw.read(512 * 1024):
                received += len(chunk)
                time.sleep(0.2)
    finally:
        assert own_hospital.cli("user", "enable", "chief1").returncode == 0
    assert received < 56 * 512 * 1024


def test_a_browser_is_told_not_to_guess_what_an_answer_is(own_hospital: RunningHospital) -> None:
    for path in ("/studies", own_hospital.study("S1"), own_hospital.study("S2"), "/no-such-thing"):
        assert own_hospital.client("rad1").get(path).headers["X-Content-Type-Options"] == "nosniff"


def _peak_bytes(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def test_of_two_credentials_in_one_request_none_counts(hospital: RunningHospital) -> None:
    address = urlsplit(hospital.url)
    connection = HTTPConnection(address.hostname or "", address.port)
    basic = [basic_auth(name, hospital.passwords[name]) for name in ("stud1", "chief1")]
    connection.putrequest("GET", "/dicom-web/studies")
    for value in basic:
        connection.putheader("Authorization", value)
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()
