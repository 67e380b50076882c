"""The demo's hospital in a real dcmqrscp, which speaks DIMSE only: the same answers for everybody over DICOMweb.

Everything but C-FIND, C-GET and C-STORE is made by the gate.  What no DIMSE archive can do is a removal.
"""

import json
from collections.abc import Iterator
from io import BytesIO

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.e2e import expectations
from tests.e2e.expectations import personas, studies
from tests.e2e.walking import check, walk
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.hospital import RunningHospital, opened
from tests.support.multipart import multipart_related
from tests.support.origin_hospital import furnish_origin

pytestmark = pytest.mark.server("dcmtk")

UNCOMPRESSED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
ONE_OF_EACH = ("chief1", "rad1")
"""Who sees everything, and who sees parts; the others come in the long lane."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dcmqrscp]:
    with running_dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(archive: Dcmqrscp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    directory = tmp_path_factory.mktemp("guarded") / "gate"
    with opened(furnish_origin(directory, archive, archive=archive.lines())) as hospital:
        yield hospital


@pytest.fixture
def origin_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hand-written table, with the cells that differ for an archive that others fill."""
    monkeypatch.setattr(expectations, "_cells", expectations.cells_of_an_origin)


@pytest.mark.usefixtures("origin_cells")
@pytest.mark.parametrize(
    "persona",
    [
        persona if persona in ONE_OF_EACH else pytest.param(persona, marks=pytest.mark.long)
        for persona in personas()
    ],
)
def test_every_route_answers_each_persona_as_with_the_embedded_archive(
    guarded: RunningHospital, persona: str
) -> None:
    check(guarded, persona, walk(guarded, persona, every=False))


def test_an_object_leaves_with_every_element_that_was_stored(guarded: RunningHospital) -> None:
    client = guarded.client("chief1")
    same_syntax = 0
    for name in studies():
        stored = dcmread(BytesIO(part10(guarded.objects[name][0])))
        got = client.get(guarded.instance(name), headers={"Accept": "application/dicom"})
        left = dcmread(BytesIO(got.content))
        stored.pop("DataSetTrailingPadding", None)  # dcmtk leaves it out
        different = {one.keyword for one in stored if one.tag not in left or left[one.tag].value != one.value}
        syntaxes = {str(one.file_meta.TransferSyntaxUID) for one in (left, stored)}
        same_syntax += len(syntaxes) == 1
        # What it holds uncompressed, dcmqrscp sends in whichever uncompressed syntax is proposed first.
        assert len(syntaxes) == 1 or syntaxes <= UNCOMPRESSED, name
        assert different <= (set() if len(syntaxes) == 1 else {"PixelData"}), name
        assert not different or (left.pixel_array == stored.pixel_array).all(), name
    assert same_syntax > len(studies()) / 2


def test_what_the_scanner_stores_through_the_gate_is_in_the_archive(
    guarded: RunningHospital, archive: Dcmqrscp
) -> None:
    brought = dcmread(BytesIO(part10(guarded.objects["S1"][0])))
    brought.StudyInstanceUID, brought.SeriesInstanceUID = generate_uid(), generate_uid()
    brought.SOPInstanceUID = brought.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    brought.PatientID, brought.PatientName = "NEW", "NEW^PATIENT"
    written = BytesIO()
    brought.save_as(written, enforce_file_format=True)
    body, content_type = multipart_related([written.getvalue()])
    held = archive.instance_count()
    stored = requests.post(
        f"{guarded.dicomweb}/studies",
        data=body,
        headers={"Content-Type": content_type, "Accept": "application/dicom+json"},
        auth=("CT1", guarded.passwords["CT1"]),
        timeout=30,
    )
    assert stored.status_code == 200, stored.text
    assert archive.instance_count() == held + 1
    seen = guarded.client("tech1").get(f"/studies?StudyInstanceUID={brought.StudyInstanceUID}")
    assert [row["00100020"]["Value"] for row in seen.json()] == [["NEW"]]


def test_a_sync_counts_what_the_archive_holds_and_the_second_one_fetches_nothing(
    guarded: RunningHospital, archive: Dcmqrscp
) -> None:
    assert guarded.cli("index", "sync").returncode == 0
    (row,) = json.loads(guarded.cli("index", "status", "--json").stdout)
    assert (row["archive"], row["sync"], row["instances"]) == ("main", "complete", archive.instance_count())
    before = archive.log.read_text(errors="replace").count("Received Get SCP")
    assert guarded.cli("index", "sync").returncode == 0
    assert archive.log.read_text(errors="replace").count("Received Get SCP") == before
