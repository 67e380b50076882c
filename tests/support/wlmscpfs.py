"""A real wlmscpfs (dcmtk): a modality worklist out of files, for the length of a `with` block."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from pacsgate.upstream.dimse.peer import Peer
from tests.support.data_sets import data_set
from tests.support.dcmtk import serving
from tests.support.ports import free_port

TITLE = "WORKLIST"


@dataclass(frozen=True)
class Wlmscpfs:
    """A running worklist."""

    port: int
    log: Path

    @property
    def peer(self) -> Peer:
        """What it takes to ask it."""
        return Peer("127.0.0.1", self.port, TITLE, "GATE", timeout_seconds=10)

    @property
    def settings(self) -> str:
        """The line of `pacsgate.yaml` that names it, to stand below `dicom:`."""
        return f"  worklist: {{host: 127.0.0.1, port: {self.port}, ae_title: {TITLE}}}\n"


def order(**values: Any) -> Dataset:
    """One worklist item; values by keyword, those of its scheduled step after `step_`."""
    step = {
        "ScheduledStationAETitle": "CT1",
        "ScheduledProcedureStepStartDate": "20260101",
        "ScheduledProcedureStepStartTime": "120000",
        "Modality": "CT",
        "ScheduledPerformingPhysicianName": "",
        "ScheduledProcedureStepDescription": "",
        "ScheduledProcedureStepID": "SPS1",
        **{name.removeprefix("step_"): value for name, value in values.items() if name.startswith("step_")},
    }
    item = {
        "SpecificCharacterSet": "ISO_IR 192",
        "AccessionNumber": "",
        "PatientID": "P0",
        "PatientName": "Test^Patient",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyInstanceUID": generate_uid(),
        "RequestedProcedureID": "RP1",
        "RequestedProcedureDescription": "A procedure",
        **{name: value for name, value in values.items() if not name.startswith("step_")},
    }
    return data_set(**item, ScheduledProcedureStepSequence=[data_set(**step)])


@contextmanager
def running_worklist(directory: Path, items: Iterable[Dataset]) -> Iterator[Wlmscpfs]:
    """Start wlmscpfs with these items."""
    place = directory / "lists" / TITLE
    place.mkdir(parents=True)
    (place / "lockfile").touch()
    for number, item in enumerate(items):
        _write(item, place / f"{number}.wl")
    port = free_port()
    log = directory / "wlmscpfs.log"
    arguments = ["-v", "-s", "-csk", "-dfr", "-dfp", str(directory / "lists")]
    with serving("wlmscpfs", arguments, port, log):
        yield Wlmscpfs(port, log)


def _write(item: Dataset, path: Path) -> None:
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
    item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.save_as(path, enforce_file_format=True)
