"""What a path filter cannot see: a value told by somebody else's tags, a digest, a copy, a job that runs once more.

A curator works on all that her department has but ECGs, a reader finds names and descriptions of ultrasound masked, and
an archivist looks after jobs.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.cli.demo.hospital import policy_text
from tests.e2e.asking import events
from tests.support.canaries import CanaryRecorder
from tests.support.guarded_orthanc import GuardedOrthanc, furnish_guarded, opened_guarded
from tests.support.hospital import RecordingSession, cli_here
from tests.support.ports import free_ports

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

SECTIONS = (
    """\
roles:
  curator:
    may: [search, view, retrieve, export, store, append, update, delete]
    permissions: [RemoteQuery]
    owner: chief1
  half: {may: [search, view, retrieve, export, store], owner: chief1}
  finder: {may: [search], owner: chief1}
  archivist: {permissions: [ArchiveConfigure, ArchiveOperate, JobAdminister], owner: chief1}
""",
    """\
rules:
  - {id: curators-work-on-their-department, effect: permit, roles: [curator], when: study.department in user.departments}
  - {id: no-curator-sees-an-ecg, effect: forbid, roles: [curator], when: series.modality == 'ECG'}
  - id: ultrasound-is-masked
    effect: permit
    roles: [half]
    when: series.modality == 'US'
    obligations: {mask: [SeriesDescription, StudyDescription, PatientName, PatientBirthDate]}
  - {id: finders-find, effect: permit, roles: [finder]}
  - {id: the-rest-is-not, effect: permit, roles: [half], when: "!(series.modality == 'US')"}
""",
    """\
assignments:
  - {users: [rad3], roles: [curator]}
  - {users: [ext1], roles: [half]}
  - {users: [admin1], roles: [archivist]}
  - {users: [mgr1], roles: [finder]}
""",
)
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def policy() -> str:
    text = policy_text()
    for section in SECTIONS:
        head = section.partition("\n")[0] + "\n"
        assert text.count("\n" + head) == 1
        text = text.replace("\n" + head, "\n" + section, 1)
    return text


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedOrthanc]:
    with opened_guarded(furnish_guarded(tmp_path_factory.mktemp("inferring"), policy=policy())) as running:
        yield running


@pytest.fixture(scope="module")
def half(archive: GuardedOrthanc) -> RecordingSession:
    # What she may see is not in the oracle that the recorder goes by.
    return RecordingSession(
        archive.root, "ext1", archive.hospital.passwords["ext1"], CanaryRecorder({}, lambda *_: True)
    )


def told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def labels(archive: GuardedOrthanc, study: str) -> str:
    uid = archive.hospital.objects[study][0].StudyInstanceUID
    shown = cli_here("study", "show", uid, "-c", str(archive.hospital.config))
    assert shown.returncode == 0, shown.stderr
    return str(shown.stdout)


def ended(client: RecordingSession, path: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        document = client.get(path).json()
        if document["State"] in {"Success", "Failure"}:
            return dict(document)
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def test_no_part_of_a_study_is_told_under_the_mask_of_another(
    archive: GuardedOrthanc, half: RecordingSession
) -> None:
    masked = next(each for each in archive.hospital.objects["S12"] if each.Modality == "US")
    patient, study = archive.patient("S12"), archive.study("S12")
    wanted = "requestedTags=SeriesDescription;Modality"
    for path in (f"/studies/{study}", f"/patients/{patient}", f"/studies/{study}/series"):
        answer = half.get(f"{path}?{wanted}")
        assert answer.status_code == 200
        assert str(masked.SeriesDescription) not in told(answer.json()), path
    assert str(masked.SeriesDescription) not in half.get(f"/studies/{study}/instances-tags?simplify").text


def test_who_may_only_search_reads_no_report_tag_by_tag(archive: GuardedOrthanc) -> None:
    """Elsewhere `requestedTags` of a list opened the file, for whoever might list it."""
    unrecorded = CanaryRecorder({}, lambda *_: True)
    finder = RecordingSession(archive.root, "mgr1", archive.hospital.passwords["mgr1"], unrecorded)
    report = next(
        n for n, each in enumerate(archive.hospital.studies["S9"].series, 1) if each.modality == "SR"
    )
    series = archive.series("S9", report)
    assert finder.get(f"/series/{series}/instances-tags").status_code == 403
    wanted = "requestedTags=ContentSequence;ImageComments;SeriesDescription"
    for one in finder.get(f"/series/{series}/instances?{wanted}").json():
        assert set(one["RequestedTags"]) == {"SeriesDescription"}
    found = finder.post(
        "/tools/find",
        json={
            "Level": "Series",
            "Query": {"Modality": "SR"},
            "Expand": True,
            "RequestedTags": ["ContentSequence"],
        },
    ).json()
    assert found
    assert all(each["RequestedTags"] == {} for each in found)


def test_no_digest_confirms_a_guess_at_what_is_masked(
    archive: GuardedOrthanc, half: RecordingSession
) -> None:
    for name in ("md5", "compressed-md5", "info"):
        for study, status in (("S6", 403), ("S1", 200)):
            path = f"/instances/{archive.instance(study)}/attachments/dicom/{name}"
            assert half.get(path).status_code == status, path


def test_a_child_says_nothing_that_its_parent_hides(archive: GuardedOrthanc, half: RecordingSession) -> None:
    """Orthanc gives a new object its parent's name, and the new object was under no mask."""
    made = half.post(
        "/tools/create-dicom",
        json={
            "Parent": archive.patient("S6"),
            "Tags": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT"},
            "Content": PIXEL,
        },
    )
    assert made.status_code == 403


def test_a_copy_into_another_study_brings_its_labels_along(archive: GuardedOrthanc) -> None:
    """Elsewhere `Replace` of StudyInstanceUID put the images of a labelled study into one without labels."""
    target = archive.hospital.objects["S7"][0]
    assert "RETENTION-DUE" not in labels(archive, "S7")
    copied = archive.client("rad3").post(
        f"/patients/{archive.patient('S8')}/modify",
        json={
            "Replace": {"StudyInstanceUID": target.StudyInstanceUID, "PatientID": target.PatientID},
            "Force": True,
        },
    )
    assert copied.status_code == 200, copied.text
    assert "RETENTION-DUE" in labels(archive, "S7")


def test_of_what_is_partly_hidden_no_change_is_told_but_that_it_came(archive: GuardedOrthanc) -> None:
    for study in ("S12", "S6"):
        archive.orthanc.request("PUT", f"/studies/{archive.study(study)}/metadata/1024", data=b"read")
    partly = {archive.patient("S12"), archive.study("S12")}
    seen = archive.client("rad3").get("/changes?limit=1000").json()["Changes"]
    assert {each["ChangeType"] for each in seen if each["ID"] in partly} == {"NewPatient", "NewStudy"}
    assert "UpdatedMetadata" in {each["ChangeType"] for each in seen if each["ID"] == archive.study("S6")}


def test_a_job_that_runs_once_more_is_recorded_once_more(archive: GuardedOrthanc) -> None:
    """Elsewhere a job that had failed was sent again to wherever its partner had moved to, past every log."""
    (port,) = free_ports(1)
    modality = {"AET": "GONE", "Host": "127.0.0.1", "Port": port}
    archive.orthanc.request("PUT", "/modalities/gone", json=modality)
    curator = archive.client("rad3")
    study = archive.study("S6")
    started = curator.post("/modalities/gone/store", json={"Resources": [study], "Asynchronous": True})
    path = started.json()["Path"]
    assert ended(curator, path)["State"] == "Failure"
    assert curator.post(f"{path}/resubmit").status_code == 200
    sent = [each for each in events(archive.hospital, kind=EventKind.DATA_EXPORTED) if "recipient" in each]
    assert (sent[-1]["details.phase"], sent[-1]["recipient"]) == ("resubmit", "modality:GONE")


def test_a_job_from_past_the_gate_goes_on_for_who_runs_the_archive_alone(archive: GuardedOrthanc) -> None:
    (port,) = free_ports(1)
    modality = {"AET": "GONE", "Host": "127.0.0.1", "Port": port}
    archive.orthanc.request("PUT", "/modalities/lost", json=modality)
    body = {"Resources": [archive.study("S1")], "Synchronous": False}
    path = archive.orthanc.request("POST", "/modalities/lost/store", json=body).json()["Path"]
    admin = archive.client("admin1")
    assert ended(admin, path)["State"] == "Failure"
    assert archive.client("rad3").post(f"{path}/resubmit").status_code == 404
    assert admin.post(f"{path}/resubmit").status_code == 200


def test_who_reads_the_log_of_what_was_sent_is_on_record(archive: GuardedOrthanc) -> None:
    assert archive.client("admin1").get("/exports").status_code == 200
    read = events(archive.hospital, kind=EventKind.ARCHIVE_ADMINISTERED)[-1]
    assert (read["actor.name"], read["details.operation"]) == ("admin1", "exports")


@pytest.mark.parametrize("spelt", ["{0}/patient", "x", "", "%s" % ("../" * 3), "\U0001f608"])
def test_what_is_no_identifier_is_missing_wherever_a_body_names_it(
    archive: GuardedOrthanc, spelt: str
) -> None:
    """Elsewhere a name from a body was put into a path; here it met a reader of hexadecimal digits, and a 500."""
    curator, name = archive.client("rad3"), spelt.format(archive.study("S1"))
    tags = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}
    for path, body in (
        ("/tools/bulk-content", {"Resources": [name]}),
        ("/tools/bulk-delete", {"Resources": [name]}),
        ("/tools/create-archive", {"Resources": [name]}),
        ("/tools/create-dicom", {"Parent": name, "Tags": tags}),
    ):
        assert curator.post(path, json=body).status_code == 404, path
    assert (
        curator.post("/tools/bulk-content", json={"Resources": [archive.study("S1").upper()]}).status_code
        == 404
    )


def test_no_picture_is_larger_than_the_archive_can_make(archive: GuardedOrthanc) -> None:
    """Orthanc 1.10.1 dies of `rendered?width=100000&height=100000`, asked by anybody who may view one instance."""
    curator = archive.client("rad3")
    path = f"/instances/{archive.instance('S6')}/rendered"
    for size in (
        "width=100000&height=100000",
        "width=4000000000",
        "width=-1",
        "height=1e9",
        "width=9&width=9",
    ):
        assert curator.get(f"{path}?{size}").status_code == 400, size
    assert curator.get(f"{path}?width=32&height=32").status_code == 200
    assert archive.orthanc.request("GET", "/system").status_code == 200
