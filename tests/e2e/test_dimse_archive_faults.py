"""A DIMSE archive that goes away, that others write to, and that gives its objects by C-MOVE to a gate of many processes."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.e2e.asking import within
from tests.support.dcmqrscp import Dcmqrscp, running_dcmqrscp
from tests.support.hospital import RunningHospital, opened
from tests.support.objects import values_of
from tests.support.origin_hospital import furnish_origin
from tests.support.ports import free_port
from tests.support.small_hospital import some_studies

pytestmark = [pytest.mark.long, pytest.mark.server("dcmtk"), pytest.mark.timeout(300)]

STALENESS_SECONDS = 4


@dataclass(frozen=True)
class Guarded:
    hospital: RunningHospital
    archive: Dcmqrscp
    directory: Path

    def status(self, path: str, persona: str = "chief1") -> int:
        return self.hospital.client(persona).get(path).status_code


@contextmanager
def guarding(directory: Path, *, by_move: bool = False, port: int | None = None) -> Iterator[Guarded]:
    receive = free_port()
    with running_dcmqrscp(directory / "archive", hosts={"GATE": receive}, port=port) as archive:
        further: dict[str, object] = {"timeout_seconds": 5, "max_staleness_seconds": STALENESS_SECONDS}
        if by_move:
            further |= {"retrieve": "move", "receive_port": receive, "receive_host": "127.0.0.1"}
        made = some_studies("S1", "S2")
        furnished = furnish_origin(directory / "gate", archive, archive=archive.lines(**further), made=made)
        with opened(furnished) as hospital:
            yield Guarded(hospital, archive, directory)


def killed(archive: Dcmqrscp) -> None:
    """End the archive at once, with the children that it has for each association."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "dcmqrscp" and str(archive.port) in (process.info["cmdline"] or ()):
            process.send_signal(signal.SIGKILL)


def test_without_its_archive_the_gate_lists_on_and_says_502_for_objects_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    with guarding(tmp_path) as guarded:
        seen, hidden = guarded.hospital.study("S1"), guarded.hospital.study("S2")
        assert guarded.status(f"{seen}/metadata", "rad1") == 200
        assert guarded.status(f"{hidden}/metadata", "rad1") == 404
        killed(guarded.archive)
        missing = f"/studies/{generate_uid()}"
        assert guarded.status("/studies", "rad1") == 200
        within(STALENESS_SECONDS + 10, lambda: guarded.status(f"{seen}/metadata", "rad1") == 502)
        answers = {guarded.status(f"{path}/metadata", "rad1") for path in (seen, hidden, missing)}
        assert answers == {502}
        files = guarded.archive.files
        with running_dcmqrscp(tmp_path / "again", port=guarded.archive.port) as again:
            again.upload(*(path.read_bytes() for path in files.glob("*.dcm")))
            within(20, lambda: guarded.status(f"{seen}/metadata", "rad1") == 200)
            assert guarded.status(f"{hidden}/metadata", "rad1") == 404


def test_what_others_store_can_be_named_at_once_and_is_listed_soon(tmp_path: Path) -> None:
    with guarding(tmp_path) as guarded:
        brought = dcmread(BytesIO(part10(guarded.hospital.objects["S1"][0])))
        brought.StudyInstanceUID, brought.SeriesInstanceUID = generate_uid(), generate_uid()
        brought.SOPInstanceUID = brought.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        written = BytesIO()
        brought.save_as(written, enforce_file_format=True)
        guarded.archive.upload(written.getvalue())
        assert guarded.status(f"/studies/{brought.StudyInstanceUID}/metadata") == 200
        later = generate_uid()
        brought.StudyInstanceUID, brought.SeriesInstanceUID = later, generate_uid()
        brought.SOPInstanceUID = brought.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        written = BytesIO()
        brought.save_as(written, enforce_file_format=True)
        guarded.archive.upload(written.getvalue())
        client = guarded.hospital.client("chief1")
        within(
            STALENESS_SECONDS * 2 + 20,
            lambda: bool(client.get(f"/studies?StudyInstanceUID={later}").text.strip()),
        )


def test_by_c_move_each_of_many_requests_gets_the_object_that_it_asked_for(tmp_path: Path) -> None:
    with guarding(tmp_path, by_move=True) as guarded:
        # Of what it moves, dcmqrscp proposes uncompressed syntaxes first, and then cannot send what is compressed.
        wanted = [
            (name, one)
            for name in ("S1", "S2")
            for one in guarded.hospital.objects[name]
            if not one.file_meta.TransferSyntaxUID.is_compressed
        ]

        def fetch(number: int) -> bool:
            name, one = wanted[number % len(wanted)]
            uids = (one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID)
            path = "/studies/{}/series/{}/instances/{}".format(*uids)
            got = guarded.hospital.client("chief1").get(path, headers={"Accept": "application/dicom"})
            assert got.status_code == 200, (name, got.text)
            return values_of(got.content)[0x00080018] == one.SOPInstanceUID

        with ThreadPoolExecutor(6) as pool:
            assert all(pool.map(fetch, range(60)))
