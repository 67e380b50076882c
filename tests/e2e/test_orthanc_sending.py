"""What leaves a guarded Orthanc: files and jobs their owners', partners sent what was decided, masks kept."""

import io
import time
import zipfile
from collections.abc import Iterator

import pytest
from pydicom import dcmread

from pacsgate.cli.demo.hospital import part10
from tests.support.curated_orthanc import curated_orthanc, names, settled, unrecorded
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.hospital import RecordingSession, cli_here
from tests.support.orthanc import Orthanc

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, other_orthanc: Orthanc) -> Iterator[GuardedOrthanc]:
    with curated_orthanc(tmp_path_factory.mktemp("curated"), other_orthanc) as running:
        yield running


@pytest.fixture(scope="module")
def curator(archive: GuardedOrthanc) -> RecordingSession:
    return archive.client("rad3")


def test_an_archive_is_as_orthanc_would_make_it(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    for path in (
        f"/studies/{archive.study('S13')}/archive",
        f"/series/{archive.series('S8', 2)}/archive",
        f"/patients/{archive.patient('S7')}/archive",
    ):
        straight = archive.orthanc.request("GET", path).content
        assert sorted(names(curator.get(path))) == sorted(zipfile.ZipFile(io.BytesIO(straight)).namelist())


def test_an_archive_holds_only_what_is_visible(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    for response in (
        curator.get(f"/studies/{archive.study('S12')}/archive"),
        curator.get(f"/patients/{archive.patient('S12')}/archive"),
        curator.post(f"/studies/{archive.study('S12')}/archive", json={}),
        curator.post("/tools/create-archive", json=[archive.study("S12")]),
        curator.get(f"/studies/{archive.study('S12')}/media"),
        curator.post("/tools/create-media", json={"Resources": [archive.study("S12")], "Extended": True}),
    ):
        assert len([name for name in names(response) if name != "DICOMDIR"]) == 2


def test_a_job_is_its_owners(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    started = curator.post(
        "/tools/create-archive", json={"Resources": [archive.study("S13")], "Asynchronous": True}
    )
    assert started.status_code == 200, started.text
    path = started.json()["Path"]
    assert settled(curator, path)["State"] == "Success"
    assert started.json()["ID"] in curator.get("/jobs").json()
    assert [each["ID"] for each in curator.get("/jobs?expand").json()] == curator.get("/jobs").json()
    stranger = archive.client("chief1")
    assert stranger.get("/jobs").json() == []
    missing = "/jobs/00000000-0000-0000-0000-000000000000"
    for tail in ("", "/archive"):
        answers = [stranger.get(path + tail), stranger.get(missing + tail)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert stranger.post(path + "/cancel").status_code == 404
    assert len(names(curator.get(path + "/archive"))) == 9
    admin = archive.client("admin1")
    assert started.json()["ID"] in admin.get("/jobs").json()
    assert "Content" not in admin.get(path).json()
    assert admin.get(path + "/archive").status_code in {403, 404}


def test_what_a_job_made_is_decided_again_when_it_is_fetched(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    started = curator.post(f"/studies/{archive.study('S13')}/archive", json={"Asynchronous": True})
    path = started.json()["Path"]
    assert settled(curator, path)["State"] == "Success"
    assert curator.put(f"/studies/{archive.study('S13')}/labels/R").status_code == 200
    try:
        assert curator.get(path + "/archive").status_code == 404
    finally:
        uid = str(archive.hospital.objects["S13"][0].StudyInstanceUID)
        done = cli_here("study", "label", uid, "--remove", "R", "-c", str(archive.hospital.config))
        assert done.returncode == 0, done.stderr
    assert curator.get(path + "/archive").status_code == 200


def test_what_is_sent_is_what_was_decided(
    archive: GuardedOrthanc, curator: RecordingSession, other_orthanc: Orthanc
) -> None:
    study = archive.study("S12")
    for path, body in (
        ("/modalities/other/store", study),
        ("/peers/other/store", {"Resources": [study]}),
    ):
        other_orthanc.clear()
        kind = {"data": body} if isinstance(body, str) else {"json": body}
        sent = curator.post(path, **kind)
        assert sent.status_code == 200, sent.text
        assert other_orthanc.instance_count() == 2, path
    assert (
        archive.client("rad1").post("/modalities/other/store", json=[archive.study("S1")]).status_code == 403
    )
    assert (
        curator.post("/modalities/other/store", json={"Resources": [study], "Host": "1.2.3.4"}).status_code
        == 400
    )


def test_partners_are_named_without_their_secrets(archive: GuardedOrthanc, curator: RecordingSession) -> None:
    assert curator.get("/modalities").json() == ["other"]
    assert "Password" not in curator.get("/peers?expand").text
    assert curator.get("/peers/other/configuration").json().keys() <= {"Url", "Timeout"}
    assert archive.client("stud1").get("/peers").status_code == 403


def test_an_object_brought_along_is_sent_on_only_if_it_may_be_exported(
    archive: GuardedOrthanc, curator: RecordingSession, other_orthanc: Orthanc
) -> None:
    other_orthanc.clear()
    mine, foreign = (part10(archive.hospital.objects[name][0]) for name in ("S6", "S1"))
    assert curator.post("/modalities/other/store-straight", data=foreign).status_code == 403
    assert other_orthanc.instance_count() == 0
    assert curator.post("/modalities/other/store-straight", data=mine).status_code == 200
    assert curator.post("/peers/other/store-straight", data=mine).status_code == 200
    assert other_orthanc.instance_count() == 1


def test_other_archives_are_asked_and_their_answers_are_ones_own(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    assert curator.post("/modalities/other/echo", json={}).status_code == 200
    asked = curator.post("/modalities/other/query", json={"Level": "Study", "Query": {"PatientID": "*"}})
    assert asked.status_code == 200, asked.text
    path = asked.json()["Path"]
    assert curator.get("/queries").json() == [asked.json()["ID"]]
    assert curator.get(path + "/level").text == "Study"
    assert isinstance(curator.get(path + "/answers").json(), list)
    admin = archive.client("admin1")
    assert admin.get(path + "/answers").status_code == 404
    assert archive.client("chief1").get("/queries").status_code == 403
    elsewhere = curator.post(path + "/retrieve", json={"TargetAet": "OTHER"})
    assert elsewhere.status_code == 403
    assert curator.delete(path).status_code == 200
    assert curator.get("/queries").json() == []


def test_orthanc_itself_is_for_who_has_the_permission(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    admin = archive.client("admin1")
    for method, path, body in (
        ("PUT", "/modalities/third", '["AET", "127.0.0.1", 104]'),
        ("DELETE", "/modalities/third", None),
        ("PUT", "/tools/log-level", "default"),
        ("GET", "/tools/log-level", None),
        ("DELETE", "/exports", None),
        ("GET", "/exports", None),
    ):
        assert curator.request(method, path, data=body).status_code == 403, path
        assert admin.request(method, path, data=body).status_code == 200, path
    assert curator.post("/tools/execute-script", data="print(1)").status_code == 403


def test_what_a_mask_hides_does_not_leave_by_any_door(archive: GuardedOrthanc) -> None:
    courier = unrecorded(archive, "ext1")  # what a courier may see is in no oracle
    study, instance = archive.study("S13"), archive.instance("S13")
    hidden = str(archive.hospital.objects["S13"][0].PatientName)
    file = dcmread(io.BytesIO(courier.get(f"/instances/{instance}/file").content))
    assert "PatientName" not in file
    assert "PixelData" not in file
    data = courier.get(f"/instances/{instance}/attachments/dicom/data")
    assert "PatientName" not in dcmread(io.BytesIO(data.content))
    packed = courier.get(f"/studies/{study}/archive")
    assert all(hidden.split("^", maxsplit=1)[0] not in name for name in names(packed))
    with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
        assert all("PatientName" not in dcmread(io.BytesIO(file.read(name))) for name in file.namelist())
    for method, path, body in (
        ("GET", f"/instances/{instance}/attachments/dicom/compressed-data", None),
        ("GET", f"/instances/{instance}/attachments/dicom-as-json/data", None),
        ("GET", f"/instances/{instance}/preview", None),
        ("GET", f"/instances/{instance}/frames/0/raw", None),
        ("GET", f"/studies/{study}/media", None),
        ("GET", f"/studies/{study}/archive?transcode=1.2.840.10008.1.2", None),
        ("POST", f"/studies/{study}/archive", {"Asynchronous": True}),
        ("POST", "/tools/create-media", [study]),
        ("POST", f"/instances/{instance}/modify", {}),
        ("POST", "/modalities/other/store", [study]),
        ("POST", "/peers/other/store", [study]),
    ):
        assert courier.request(method, path, json=body).status_code == 403, path


def test_what_a_partner_promised_to_keep_can_be_removed(
    archive: GuardedOrthanc, curator: RecordingSession
) -> None:
    made = curator.post(
        f"/studies/{archive.study('S6')}/modify", json={"Replace": {"StudyID": "KEPT"}}
    ).json()["ID"]
    assert curator.post("/modalities/other/store", json=[made]).status_code == 200
    asked = curator.post("/modalities/other/storage-commitment", json={"Resources": [made]})
    assert asked.status_code == 200, asked.text
    path = asked.json()["Path"]
    assert archive.client("chief1").get(path).status_code == 404
    end = time.monotonic() + 20
    while (report := curator.get(path).json())["Status"] == "Pending" and time.monotonic() < end:
        time.sleep(0.1)
    assert report["Status"] == "Success", report
    assert curator.post(path + "/remove").status_code == 200
    assert curator.get(f"/studies/{made}").status_code == 404
