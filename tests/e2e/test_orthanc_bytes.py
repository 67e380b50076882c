"""Bytes out of a guarded Orthanc: what passes is what Orthanc itself sends, and nothing hidden is in it."""

import io
import time
import zipfile

import pytest

from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = pytest.mark.server("orthanc")

PICTURES = (
    "preview",
    "rendered?width=32",
    "image-uint8",
    "image-uint16",
    "image-int16",
    "matlab",
    "numpy",
    "frames/0/preview",
    "frames/0/raw",
    "frames/0/raw.gz",
    "attachments",
    "attachments/dicom/md5",
    "attachments/dicom/info",
)


def straight(guarded: GuardedOrthanc, path: str) -> bytes:
    return guarded.orthanc.request("GET", path, headers={"Accept-Encoding": "identity"}).content


def test_a_file_leaves_as_it_is_stored(guarded_orthanc: GuardedOrthanc) -> None:
    path = f"/instances/{guarded_orthanc.instance('S1')}/file"
    answer = guarded_orthanc.client("chief1").get(path)
    assert answer.content == straight(guarded_orthanc, path)
    assert answer.headers["Content-Type"] == "application/dicom"
    assert guarded_orthanc.instance("S1") in answer.headers["Content-Disposition"]
    ranged = guarded_orthanc.client("chief1").get(path, headers={"Range": "bytes=0-9"})
    assert (ranged.status_code, len(ranged.content)) == (200, len(answer.content))
    head = guarded_orthanc.client("chief1").head(path)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (
        200,
        b"",
        str(len(answer.content)),
    )


@pytest.mark.parametrize("path", PICTURES)
def test_pictures_are_orthancs_own(guarded_orthanc: GuardedOrthanc, path: str) -> None:
    whole = f"/instances/{guarded_orthanc.instance('S1')}/{path}"
    answer = guarded_orthanc.client("chief1").get(whole)
    assert answer.status_code == 200, answer.text
    assert answer.content == straight(guarded_orthanc, whole)


def test_what_a_client_accepts_decides_the_kind_of_picture(guarded_orthanc: GuardedOrthanc) -> None:
    path = f"/instances/{guarded_orthanc.instance('S1')}/preview"
    answer = guarded_orthanc.client("chief1").get(path, headers={"Accept": "image/jpeg"})
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")


def test_nothing_of_a_hidden_instance_leaves(guarded_orthanc: GuardedOrthanc) -> None:
    hidden = guarded_orthanc.instance("S3")
    missing = hidden[::-1]
    client = guarded_orthanc.client("rad1")
    for path in ("file", *PICTURES, "attachments/dicom/data"):
        answers = [client.get(f"/instances/{name}/{path}") for name in (hidden, missing)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].content == answers[1].content


def test_an_archive_holds_what_orthanc_would_pack(guarded_orthanc: GuardedOrthanc) -> None:
    path = f"/studies/{guarded_orthanc.study('S1')}/archive"
    packed = zipfile.ZipFile(io.BytesIO(guarded_orthanc.client("chief1").get(path).content))
    original = zipfile.ZipFile(io.BytesIO(straight(guarded_orthanc, path)))
    assert sorted(packed.namelist()) == sorted(original.namelist())
    # Which instance of a series has which number, Orthanc leaves to its database.
    held = [
        {(name.rpartition("/")[0], file.read(name)) for name in file.namelist()}
        for file in (packed, original)
    ]
    assert held[0] == held[1]


def test_a_job_is_packed_and_fetched_by_its_owner_and_nobody_else(guarded_orthanc: GuardedOrthanc) -> None:
    owner, other = guarded_orthanc.client("chief1"), guarded_orthanc.client("rad1")
    started = owner.post(
        "/tools/create-archive", json={"Resources": [guarded_orthanc.study("S1")], "Asynchronous": True}
    )
    path = started.json()["Path"]
    end = time.monotonic() + 20
    while owner.get(path).json()["State"] != "Success" and time.monotonic() < end:
        time.sleep(0.05)
    assert len(zipfile.ZipFile(io.BytesIO(owner.get(f"{path}/archive").content)).namelist()) == 5
    assert started.json()["ID"] in owner.get("/jobs").json()
    assert other.get("/jobs").json() == []
    assert [other.get(path).status_code, other.get(f"{path}/archive").status_code] == [404, 404]
