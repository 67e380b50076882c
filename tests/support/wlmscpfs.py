"""A real wlmscpfs (dcmtk): a modality worklist out of files, for the length of a `with` block."""

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from pacsgate.upstream.dimse.peer import Peer
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.servers import find_program

READY_SECONDS = 20.0
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
    made = _data_set(item)
    made.ScheduledProcedureStepSequence = [_data_set(step)]
    return made


@contextmanager
def running_worklist(directory: Path, items: Iterable[Dataset]) -> Iterator[Wlmscpfs]:
    """Start wlmscpfs with these items."""
    program = find_program("wlmscpfs")
    if program is None:
        raise RuntimeError("wlmscpfs is not installed: apt-get install dcmtk")
    place = directory / "lists" / TITLE
    place.mkdir(parents=True)
    (place / "lockfile").touch()
    for number, item in enumerate(items):
        _write(item, place / f"{number}.wl")
    port = free_port()
    log = directory / "wlmscpfs.log"
    # Nagle's algorithm costs dcmtk 40 ms for each message otherwise.
    command = [
        "env",
        "TCP_NODELAY=1",
        str(program),
        "-v",
        "-s",
        "-csk",
        "-dfr",
        "-dfp",
        str(directory / "lists"),
    ]
    with running([*command, str(port)], log):
        _wait_until_ready(port, log)
        yield Wlmscpfs(port, log)


def _data_set(values: Mapping[str, Any]) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _write(item: Dataset, path: Path) -> None:
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
    item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.save_as(path, enforce_file_format=True)


def _wait_until_ready(port: int, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"wlmscpfs did not become ready:\n{log.read_text(errors='replace')[-4000:]}")
