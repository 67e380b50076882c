"""What changes a guarded Orthanc: each id in a body decided, labels carried over, all of it on record."""

import copy
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from pacsgate.cli.demo.hospital import part10
from pacsgate.dicom.uids import deterministic_uid
from tests.support.curated_orthanc import curated_orthanc, labels, names, unrecorded
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.hospital import RecordingSession
from tests.support.orthanc import Orthanc
from tests.support.orthanc_ids import orthanc_id

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, other_orthanc: Orthanc) -> Iterator[GuardedOrthanc]:
    with curated_orthanc(tmp_path_factory.mktemp("curated"), other_orthanc) as running:
        yield running


@pytest.fixture(scope="module")
def curator(archive: GuardedOrthanc) -> RecordingSession:
    return archive.client("rad3")


def test_one_foreign_id_in_a_list_fails_the_whole_call(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    mine, foreign, missing = archive.study("S13"), archive.study("S1"), archive.study("S1")[::-1]
    bodies = (
        ("/tools/create-archive", lambda name: [mine, name]),
        ("/tools/create-media-extended", lambda name: {"Resources": [mine, name]}),
        ("/tools/bulk-delete", lambda name: {"Resources": [mine, name]}),
        ("/tools/bulk-modify", lambda name: {"Resources": [mine, name], "Replace": {"StudyID": "x"}}),
        ("/tools/bulk-anonymize", lambda name: {"Resources": [mine, name]}),
        ("/modalities/other/store", lambda name: [mine, name]),
        ("/peers/other/store", lambda name: {"Resources": [mine, name]}),
        ("/modalities/other/storage-commitment", lambda name: {"Resources": [mine, name]}),
        (f"/studies/{mine}/merge", lambda name: {"Resources": [name]}),
        (f"/studies/{mine}/split", lambda name: {"Series": [name]}),
    )
    before = archive.orthanc.instance_count()
    for path, body in bodies:
        answers = [curator.post(path, json=body(name)) for name in (foreign, missing)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].content == answers[1].content, path
    assert archive.orthanc.instance_count() == before
    assert curator.get(f"/studies/{mine}").status_code == 200


def test_what_is_partly_hidden_is_neither_changed_nor_deleted(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    study, patient = archive.study("S12"), archive.patient("S12")
    for method, path, body in (
        ("DELETE", f"/studies/{study}", None),
        ("DELETE", f"/patients/{patient}", None),
        ("POST", f"/studies/{study}/modify", {"Replace": {"StudyDescription": "x"}}),
        ("POST", f"/studies/{study}/anonymize", {}),
        ("POST", f"/patients/{patient}/anonymize", {}),
        ("PUT", f"/studies/{study}/metadata/5000", "x"),
        ("PUT", f"/studies/{study}/labels/X", None),
        ("PUT", f"/patients/{patient}/protected", "1"),
        ("POST", f"/studies/{study}/reconstruct", {}),
    ):
        answer = curator.request(method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)
    assert archive.orthanc.request("GET", f"/studies/{study}").status_code == 200


def test_what_was_uploaded_is_answered_as_orthanc_answers(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    made = archive.hospital.objects["S6"][0]
    answer = curator.post("/instances", data=part10(made))
    assert answer.json() == {
        "ID": archive.instance("S6"),
        "ParentPatient": archive.patient("S6"),
        "ParentSeries": archive.series("S6"),
        "ParentStudy": archive.study("S6"),
        "Path": f"/instances/{archive.instance('S6')}",
        "Status": "AlreadyStored",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a/1.dcm", part10(made))
        file.writestr("readme.txt", "no image")
    assert [each["Status"] for each in curator.post("/instances", data=packed.getvalue()).json()] == [
        "AlreadyStored"
    ]
    form = curator.post("/instances", files={"file": ("1.dcm", part10(made))})
    assert form.json()["ID"] == archive.instance("S6")
    assert curator.post("/instances", data=b"nothing").status_code == 400
    assert curator.post("/instances", data=b"x", headers={"Content-Encoding": "gzip"}).status_code == 415
    foreign = archive.hospital.objects["S1"][0]
    assert curator.post("/instances", data=part10(foreign)).status_code == 403
    assert archive.client("stud1").post("/instances", data=part10(made)).status_code == 403


def test_a_modified_study_is_there_at_once_with_the_labels_of_its_source(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    study = archive.study("S8")
    made = curator.post(f"/studies/{study}/modify", json={"Replace": {"StudyID": "MOD"}})
    assert made.status_code == 200, made.text
    assert made.json()["Type"] == "Study"
    document = curator.get(made.json()["Path"]).json()
    assert document["MainDicomTags"]["StudyID"] == "MOD"
    # Its source is under retention; a copy of it is too, or copying would take the label off.
    assert curator.delete(f"/studies/{made.json()['ID']}").status_code == 403
    assert curator.get(f"/studies/{made.json()['ID']}/labels").json() == ["RETENTION-DUE"]


def test_what_may_not_be_stored_is_not_made(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    before = archive.orthanc.instance_count()
    study = archive.study("S6")
    for body in (
        {"Replace": {"InstitutionalDepartmentName": "CT-A"}},
        {"Remove": ["InstitutionalDepartmentName"]},
        {"Replace": {"StudyDescription": "FORBIDDEN"}},
    ):
        assert curator.post(f"/studies/{study}/modify", json=body).status_code == 403, body
    assert curator.post(f"/studies/{study}/anonymize", json={}).status_code == 403
    foreign = str(archive.hospital.objects["S1"][0].StudyInstanceUID)
    into = curator.post(
        f"/studies/{study}/modify", json={"Replace": {"StudyInstanceUID": foreign}, "Force": True}
    )
    assert into.status_code == 403
    assert archive.orthanc.instance_count() == before


def test_what_turned_out_otherwise_than_foreseen_is_removed_again(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    before = archive.orthanc.instance_count()
    # Each series by itself may be stored under this title; both together are a study of two kinds.
    two = curator.post(
        f"/studies/{archive.study('S8')}/modify", json={"Replace": {"StudyDescription": "TWO KINDS"}}
    )
    assert two.status_code == 403, two.text
    assert archive.orthanc.instance_count() == before
    one = curator.post(
        f"/studies/{archive.study('S8')}/split",
        json={
            "Series": [archive.series("S8")],
            "KeepSource": True,
            "Replace": {"StudyDescription": "TWO KINDS"},
        },
    )
    assert one.status_code == 200, one.text


def test_what_a_patient_had_before_stays_whatever_becomes_of_what_joins_it(archive: GuardedOrthanc) -> None:
    # The names of the other patient are in the answers, for they are what was asked for.
    curator = unrecorded(archive, "rad3")
    taken = str(archive.hospital.objects["S10"][0].PatientID)
    before = archive.orthanc.instance_count()
    for title, status in (("TWO KINDS", 403), ("JOINED", 200)):
        moved = curator.post(
            f"/patients/{archive.patient('S8')}/modify",
            json={"Replace": {"PatientID": taken, "StudyDescription": title}, "Force": True},
        )
        assert moved.status_code == status, moved.text
        assert archive.orthanc.request("GET", f"/studies/{archive.study('S10')}").status_code == 200
        assert archive.client("chief1").get(f"/studies/{archive.study('S10')}").status_code == 200
        assert (archive.orthanc.instance_count() > before) is (status == 200)
    assert curator.get(f"/studies/{archive.study('S10')}").status_code == 404


def test_what_comes_to_a_held_study_brings_its_labels_along(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    target = curator.post(
        f"/studies/{archive.study('S13')}/modify", json={"Replace": {"StudyID": "TO"}}
    ).json()["ID"]
    uid = curator.get(f"/studies/{target}").json()["MainDicomTags"]["StudyInstanceUID"]
    joined = curator.post(
        f"/studies/{archive.study('S8')}/modify", json={"Replace": {"StudyInstanceUID": uid}, "Force": True}
    )
    assert joined.status_code == 200, joined.text
    assert "RETENTION-DUE" in labels(archive, uid)


def test_no_uid_of_an_instance_is_kept_or_given(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    for body in (
        {"Keep": ["SOPInstanceUID"], "Force": True},
        {"Replace": {"SOPInstanceUID": "1.2"}, "Force": True},
    ):
        answer = curator.post(f"/studies/{archive.study('S6')}/modify", json=body)
        assert answer.status_code == 400, answer.text


def test_a_study_split_off_and_merged_again_keeps_its_labels(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    study, series = archive.study("S8"), archive.series("S8", 2)
    split = curator.post(f"/studies/{study}/split", json={"Series": [series], "KeepSource": True})
    assert split.status_code == 200, split.text
    target = split.json()["TargetStudy"]
    assert "RETENTION-DUE" in labels(archive, split.json()["TargetStudyUID"])
    assert len(curator.get(f"/studies/{target}/instances").json()) == 3
    other = archive.study("S7")
    merged = curator.post(f"/studies/{other}/merge", json={"Resources": [series], "KeepSource": True})
    assert merged.status_code == 200, merged.text
    assert "RETENTION-DUE" in labels(archive, str(archive.hospital.objects["S7"][0].StudyInstanceUID))
    assert len(curator.get(f"/studies/{other}/series").json()) == 3


def test_a_source_that_is_not_kept_is_gone_from_archive_and_index(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    source = curator.post(
        f"/studies/{archive.study('S6')}/modify", json={"Replace": {"StudyID": "ONCE"}}
    ).json()["ID"]
    made = curator.post(
        f"/studies/{source}/modify", json={"Replace": {"StudyID": "TWICE"}, "KeepSource": False}
    )
    assert made.status_code == 200, made.text
    assert curator.get(f"/studies/{source}").status_code == 404
    assert curator.get(f"/studies/{made.json()['ID']}").json()["MainDicomTags"]["StudyID"] == "TWICE"
    assert curator.delete(f"/studies/{made.json()['ID']}").json() == {
        "RemainingAncestor": {
            "ID": archive.patient("S6"),
            "Path": f"/patients/{archive.patient('S6')}",
            "Type": "Patient",
        }
    }


def test_an_object_is_created_only_where_it_may_be_stored(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    tags = {
        "PatientID": "NEW",
        "StudyDescription": "made",
        "InstitutionalDepartmentName": "US-C",
        "Modality": "OT",
    }
    tags["SOPClassUID"] = "1.2.840.10008.5.1.4.1.1.7"
    made = curator.post("/tools/create-dicom", json={"Tags": tags})
    assert made.status_code == 200, made.text
    assert made.json()["ParentPatient"] == orthanc_id("NEW")
    assert curator.get(f"/instances/{made.json()['ID']}/simplified-tags").json()["StudyDescription"] == "made"
    before = archive.orthanc.instance_count()
    for body in (
        {"Tags": {**tags, "InstitutionalDepartmentName": "CT-A"}},
        {"Tags": {**tags, "StudyDescription": "FORBIDDEN"}},
    ):
        assert curator.post("/tools/create-dicom", json=body).status_code == 403
    child_tags = {"Modality": "OT", "SOPClassUID": tags["SOPClassUID"]}
    hidden, missing = (
        curator.post("/tools/create-dicom", json={"Tags": child_tags, "Parent": name})
        for name in (archive.study("S1"), archive.study("S1")[::-1])
    )
    assert [hidden.status_code, missing.status_code] == [404, 404]
    assert hidden.content == missing.content
    child = curator.post(
        "/tools/create-dicom",
        json={
            "Tags": {**child_tags, "InstitutionalDepartmentName": "US-C"},
            "Parent": made.json()["ParentStudy"],
        },
    )
    assert child.status_code == 200, child.text
    assert child.json()["ParentStudy"] == made.json()["ParentStudy"]
    assert archive.orthanc.instance_count() == before + 1


def test_a_changed_file_is_downloaded_and_stored_nowhere(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    before = archive.orthanc.instance_count()
    answer = curator.post(f"/instances/{archive.instance('S6')}/modify", json={"Replace": {"StudyID": "X"}})
    assert dcmread(io.BytesIO(answer.content)).StudyID == "X"
    assert archive.orthanc.instance_count() == before
    assert curator.post(f"/instances/{archive.instance('S1')}/modify", json={}).status_code == 404


def test_of_one_uid_under_two_patients_only_ones_own_is_packed_changed_and_deleted(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    study_uid = deterministic_uid("two", "patients")
    names_of = {}
    for patient, department in (("MINE", "US-C"), ("THEIRS", "CT-A")):
        made = copy.deepcopy(archive.hospital.objects["S6"][0])
        made.PatientID, made.InstitutionalDepartmentName = patient, department
        made.StudyInstanceUID = study_uid
        made.SeriesInstanceUID, made.SOPInstanceUID = (
            deterministic_uid(patient, each) for each in ("r", "i")
        )
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        archive.orthanc.upload(part10(made))
        names_of[patient] = orthanc_id(patient, study_uid)
    mine, theirs = names_of["MINE"], names_of["THEIRS"]
    assert len(names(curator.get(f"/studies/{mine}/archive"))) == 1
    assert curator.get(f"/studies/{theirs}/archive").status_code == 404
    # A label is of the UID, so it would be the other patient's as well.
    assert curator.put(f"/studies/{mine}/labels/X").status_code == 404
    assert curator.delete(f"/studies/{theirs}").status_code == 404
    assert curator.delete(f"/studies/{mine}").status_code == 200
    assert archive.orthanc.request("GET", f"/studies/{theirs}").status_code == 200
    assert archive.client("chief1").get(f"/studies/{theirs}").status_code == 200


def test_everything_is_on_record(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    made = curator.post(
        f"/studies/{archive.study('S6')}/modify", json={"Replace": {"StudyID": "REC"}}
    ).json()["ID"]
    assert curator.put(f"/studies/{made}/labels/SEEN").status_code == 200
    assert curator.post("/modalities/other/store", json=[made]).status_code == 200
    assert curator.delete(f"/studies/{made}").status_code == 200
    assert archive.client("admin1").put("/tools/log-level", data="default").status_code == 200
    trail = "".join(
        path.read_text("utf-8", errors="replace")
        for path in sorted(Path(archive.hospital.config.parent).rglob("*"))
        if path.is_file() and "trail" in str(path.parent)
    )
    for kind in (
        "INSTANCES_CHANGED",
        "DATA_EXPORTED",
        "ARCHIVE_ADMINISTERED",
        "STUDY_DELETED",
        "OBJECT_ACCESS_CHANGED",
    ):
        assert kind in trail, kind
    assert "modality:other" in trail
    assert "secret-of-the-origin" not in trail
