"""The demo's hospital in a real Orthanc: the same answers for everybody as from the embedded archive.

`tests/oracle/origin.csv` names the few cells that differ.  What Orthanc's plugin cannot do (thumbnails, pixel data,
bulk data, `Warning: 299`) the gate makes; what it cannot make (DELETE) is 501 for those who would be allowed.
"""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10, policy_text
from tests.e2e import expectations
from tests.e2e.expectations import personas, studies
from tests.e2e.walking import check, walk
from tests.support.hospital import RunningHospital, cli, opened
from tests.support.multipart import multipart_related
from tests.support.origin_hospital import ORIGIN_CREDENTIALS, furnish_origin
from tests.support.orthanc import Orthanc, running_orthanc

pytestmark = pytest.mark.server("orthanc")

KEEPER = """\
  keeper:
    may: [search, delete]
    owner: admin1
"""
KEEPERS_RULE = """\
rules:
  - id: keepers-clear-up
    effect: permit
    roles: [keeper]
"""
PASSWORD = "correct horse battery staple"


def _policy() -> str:
    return policy_text().replace("\nrules:\n", f"\n{KEEPER}\n{KEEPERS_RULE}", 1)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    directory = tmp_path_factory.mktemp("orthanc")
    with running_orthanc(directory, credentials=ORIGIN_CREDENTIALS) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    directory = tmp_path_factory.mktemp("guarded") / "gate"
    furnished = furnish_origin(directory, orthanc, policy=_policy())
    with opened(furnished) as hospital:
        added = hospital.cli("user", "add", "keeper1", "--role", "keeper", "--password-stdin", stdin=PASSWORD)
        assert added.returncode == 0, added.stderr
        yield hospital


@pytest.fixture
def origin_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hand-written table, with the cells that differ for an archive that others fill."""
    monkeypatch.setattr(expectations, "_cells", expectations.cells_of_an_origin)


@pytest.mark.usefixtures("origin_cells")
@pytest.mark.parametrize("persona", personas())
def test_every_route_answers_each_persona_as_with_the_embedded_archive(
    guarded: RunningHospital, persona: str
) -> None:
    check(guarded, persona, walk(guarded, persona, every=False))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("origin_cells")
@pytest.mark.parametrize("persona", personas())
def test_every_route_answers_each_persona_about_every_study_of_the_origin(
    guarded: RunningHospital, persona: str
) -> None:
    check(guarded, persona, walk(guarded, persona, every=True))


def test_a_removal_that_the_origin_cannot_do_is_501_for_those_who_may_and_404_for_all_others(
    guarded: RunningHospital, orthanc: Orthanc
) -> None:
    held = orthanc.instance_count()
    for row in expectations.differences_of_an_origin():
        if row["persona"] == "keeper1":
            answered = guarded.client("keeper1", PASSWORD).delete(guarded.study(row["study"]))
            assert str(answered.status_code) == row["expected"], row
    assert guarded.client("chief1").delete(guarded.study("S1")).status_code == 403
    assert orthanc.instance_count() == held


def test_an_object_leaves_byte_for_byte_as_the_origin_keeps_it(
    guarded: RunningHospital, orthanc: Orthanc
) -> None:
    client = guarded.client("chief1")
    for name in studies():
        uid = guarded.studies[name].sop_instance_uid(1, 1)
        (found,) = orthanc.request("POST", "/tools/lookup", data=uid).json()
        kept = orthanc.request("GET", f"/instances/{found['ID']}/file").content
        got = client.get(guarded.instance(name), headers={"Accept": "application/dicom"})
        assert got.content == kept


def test_metadata_has_the_same_elements_as_the_object_and_links_that_lead_to_the_gate(
    guarded: RunningHospital,
) -> None:
    client = guarded.client("chief1")
    links = 0
    for name in studies():
        path = guarded.instance(name)
        (described,) = client.get(f"{path}/metadata").json()
        whole = dcmread(BytesIO(client.get(path, headers={"Accept": "application/dicom"}).content))
        assert {tag for tag in described if tag[4:] != "0000"} == _tags(whole), name
        for element in described.values():
            if (link := element.get("BulkDataURI")) is not None:
                links += 1
                assert link.startswith(guarded.dicomweb + path), link
                assert client.get(link, headers={"Accept": "application/octet-stream"}).status_code == 200
    assert links >= len(studies()) - 2


def _tags(dataset: Dataset) -> set[str]:
    return {f"{element.tag:08X}" for element in dataset if element.tag.element != 0}


def test_a_page_that_is_not_the_last_says_so(guarded: RunningHospital) -> None:
    answered = guarded.client("chief1").get("/studies?limit=2")
    assert len(answered.json()) == 2
    assert answered.headers["Warning"].startswith("299 ")


def test_what_the_scanner_stores_through_the_gate_is_in_the_origin_and_belongs_to_it(
    guarded: RunningHospital, orthanc: Orthanc
) -> None:
    brought = dcmread(BytesIO(part10(guarded.objects["S1"][0])))
    brought.StudyInstanceUID, brought.SeriesInstanceUID = generate_uid(), generate_uid()
    brought.SOPInstanceUID = brought.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    brought.PatientID, brought.PatientName = "NEW", "NEW^PATIENT"
    written = BytesIO()
    brought.save_as(written, enforce_file_format=True)
    body, content_type = multipart_related([written.getvalue()])
    stored = requests.post(
        f"{guarded.dicomweb}/studies",
        data=body,
        headers={"Content-Type": content_type, "Accept": "application/dicom+json"},
        auth=("CT1", guarded.passwords["CT1"]),
        timeout=30,
    )
    assert stored.status_code == 200, stored.text
    assert str(orthanc.http_port) not in stored.text
    assert stored.json()["00081190"]["Value"] == [f"{guarded.dicomweb}/studies/{brought.StudyInstanceUID}"]
    assert orthanc.request("POST", "/tools/lookup", data=str(brought.SOPInstanceUID)).json()
    seen = guarded.client("tech1").get(f"/studies?StudyInstanceUID={brought.StudyInstanceUID}")
    assert [row["00100020"]["Value"] for row in seen.json()] == [["NEW"]]


def test_no_answer_names_the_origin_or_its_credentials(guarded: RunningHospital, orthanc: Orthanc) -> None:
    client = guarded.client("chief1")
    forbidden = (f":{orthanc.http_port}".encode(), ORIGIN_CREDENTIALS[1].encode())
    for name in studies():
        for path in ("/metadata", "/series", "/instances", "/bulkdata", "/thumbnail"):
            answered = client.get(guarded.study(name) + path)
            seen = answered.content + str(answered.headers).encode()
            assert not any(token in seen for token in forbidden), path
    for media in ("application/dicom+json", 'multipart/related; type="application/dicom+xml"'):
        listed = client.get("/studies?includefield=all", headers={"Accept": media})
        assert listed.status_code == 200
        assert b"/dicom-web/studies/" in listed.content
        assert not any(token in listed.content for token in forbidden)


def test_the_origins_credentials_are_in_no_log_and_no_record(guarded: RunningHospital) -> None:
    secret = ORIGIN_CREDENTIALS[1].encode()
    places = [
        path for path in guarded.config.parent.rglob("*") if path.is_file() and path.name != "origin.password"
    ]
    assert len(places) > 5
    for path in places:
        assert secret not in path.read_bytes(), path
    exported = guarded.cli("audit", "export")
    assert exported.returncode == 0
    assert ORIGIN_CREDENTIALS[1] not in exported.stdout


def test_index_status_counts_what_the_origin_holds(guarded: RunningHospital, orthanc: Orthanc) -> None:
    (row,) = json.loads(guarded.cli("index", "status", "--json").stdout)
    assert row["instances"] == orthanc.instance_count()
    assert (row["archive"], row["sync"]) == ("main", "complete")


def test_a_password_in_the_configuration_itself_is_refused_with_its_place_and_not_repeated(
    guarded: RunningHospital, tmp_path: Path
) -> None:
    text = guarded.config.read_text("utf-8").replace("password_file: origin.password", "password: top-secret")
    wrong = tmp_path / "pacsgate.yaml"
    wrong.write_text(text, "utf-8")
    checked = cli("config", "check", str(wrong))
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "top-secret" in row)
    assert checked.returncode == 2
    assert f"pacsgate.yaml:{line}:" in checked.stderr
    assert "unknown key `password` (did you mean `password_file`?)" in checked.stderr
    assert "top-secret" not in checked.stderr
