"""What end-to-end tests ask a running hospital for, again and again."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pacsgate.audit.event_filter import EventFilter
from pacsgate.audit.events import EventKind
from pacsgate.audit.renderings.flat import flatten
from pacsgate.bootstrap.installation import trail_directory
from pacsgate.cli.demo.hospital import part10
from pacsgate.config import read_settings
from pacsgate.sinks.trail_reader import read_trail
from tests.support.hospital import RunningHospital
from tests.support.multipart import multipart_related

NOT_AUTHORIZED = 292
RELOAD_SECONDS = 2
"""How soon a saved policy file is live (design 2.5)."""
YARDSTICK_SECONDS = 0.3
PATIENCE_SECONDS = 20
"""For what a test only prepares, so that a busy machine fails no test that is about something else."""


def found(hospital: RunningHospital, persona: str) -> set[str]:
    """The names of the studies that a search of the persona lists.

    Not recorded by the canaries: what they know is the oracle, which knows of no other policy.
    """
    names = {study.study_instance_uid: name for name, study in hospital.studies.items()}
    auth = (persona, hospital.passwords[persona])
    response = requests.get(f"{hospital.dicomweb}/studies?limit=1000", auth=auth, timeout=30)
    rows = response.json() if response.status_code == 200 else []
    return {names.get(row["0020000D"]["Value"][0], "new") for row in rows}


def stow(hospital: RunningHospital, persona: str, path: str, *objects: Dataset) -> requests.Response:
    """Store objects.  Not recorded by the canaries: the answer repeats the UIDs that were sent."""
    body, media = multipart_related([part10(instance) for instance in objects])
    return requests.post(
        hospital.dicomweb + path,
        data=body,
        headers={"Content-Type": media, "Accept": "application/dicom+json"},
        auth=(persona, hospital.passwords[persona]),
        timeout=30,
    )


def reasons(response: requests.Response) -> list[int]:
    """The FailureReason of each object that was not stored."""
    failed = response.json().get("00081198", {}).get("Value", [])
    return [item["00081197"]["Value"][0] for item in failed]


def another(instance: Dataset, **changes: object) -> Dataset:
    """A new instance in a new series of the same study."""
    made = dcmread(io.BytesIO(part10(instance)))
    made.SOPInstanceUID, made.SeriesInstanceUID = generate_uid(), generate_uid()
    for keyword, value in changes.items():
        setattr(made, keyword, value)
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    return made


def annotation(about: Dataset, sop_class: str, modality: str) -> Dataset:
    """An object without pixels in the study of an image, which it refers to."""
    made = another(about, SOPClassUID=sop_class, Modality=modality)
    del made.PixelData
    image, series, study = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = about.SOPClassUID, about.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedSOPSequence = about.SeriesInstanceUID, [image]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = about.StudyInstanceUID, [series]
    made.CurrentRequestedProcedureEvidenceSequence = [study]
    return made


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def live_in_time(holds: Callable[[], bool]) -> bool:
    """Whether a saved policy file decides within `RELOAD_SECONDS` of this machine's time.

    A machine that others keep busy gives the gate only a part of each second; what that is, is measured when the
    time is up, and not before.
    """
    begun = time.monotonic()
    if within(RELOAD_SECONDS, holds):
        return True
    return within(begun + RELOAD_SECONDS * seconds_per_cpu_second() - time.monotonic(), holds)


def seconds_per_cpu_second() -> float:
    """How long one second's work takes a process here and now: 1 on a machine that has nothing else to do."""
    begun, spent = time.monotonic(), time.process_time()
    while time.process_time() - spent < YARDSTICK_SECONDS:
        pass
    return max(1.0, (time.monotonic() - begun) / YARDSTICK_SECONDS)


@contextmanager
def policy_of(hospital: RunningHospital, text: str, live: Callable[[], bool]) -> Iterator[None]:
    """Save another policy, wait until it is live, and put the old one back afterwards."""
    before = hospital.policy.read_text("utf-8")
    hospital.policy.write_text(text, "utf-8")
    try:
        assert within(PATIENCE_SECONDS, live)
        yield
    finally:
        hospital.policy.write_text(before, "utf-8")
        assert within(PATIENCE_SECONDS, lambda: "S1" in found(hospital, "rad1"))


def events(hospital: RunningHospital, **sought: str | EventKind) -> list[dict]:
    """What the trail holds, as `pacsgate audit search --json` prints it; read here because a command takes a second."""
    trail = trail_directory(read_settings(hospital.config))
    return [dict(flatten(entry.event)) for entry in read_trail(trail, EventFilter(**sought))]
