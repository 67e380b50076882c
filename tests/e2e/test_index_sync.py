"""`pacsgate index sync` and the crawls of a serving gate, against a real Orthanc whose studies others write."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from pacsgate.bootstrap.installation import open_installation
from pacsgate.config import read_settings
from pacsgate.model.resource import ArchiveName
from tests.support.hospital import PACSGATE, cli, serving
from tests.support.origin_hospital import ORIGIN_CREDENTIALS, make_origin_installation, origin_settings
from tests.support.orthanc import Orthanc, running_orthanc

pytestmark = pytest.mark.server("orthanc")

STUDIES = 60
PER_STUDY = 8
MAIN = ArchiveName("main")


def bring(orthanc: Orthanc, study: str, series: str, patient_id: str) -> str:
    """Upload one small image past the gate; returns its SOP Instance UID."""
    image = dcmread(get_testdata_file("MR_small.dcm", download=False))
    del image.PixelData
    del image.Rows
    image.StudyInstanceUID, image.SeriesInstanceUID, image.PatientID = study, series, patient_id
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    written = BytesIO()
    image.save_as(written, enforce_file_format=True)
    orthanc.upload(written.getvalue())
    return str(image.SOPInstanceUID)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), credentials=ORIGIN_CREDENTIALS) as running:
        for number in range(STUDIES):
            study, series = generate_uid(), generate_uid()
            for _ in range(PER_STUDY):
                bring(running, study, series, f"P{number}")
        yield running


@pytest.fixture
def config(orthanc: Orthanc, tmp_path: Path) -> Path:
    return make_origin_installation(tmp_path / "gate", origin_settings(orthanc.dicomweb_url))


def status(config: Path) -> dict[str, object]:
    (row,) = json.loads(cli("index", "status", "-c", str(config), "--json").stdout)
    return row


def test_a_first_sync_needs_no_serving_gate_and_says_what_it_did(config: Path) -> None:
    synced = cli("index", "sync", "-c", str(config))
    assert (synced.returncode, synced.stdout) == (0, f"main: {STUDIES * PER_STUDY} instances indexed\n")
    assert status(config) == {
        "archive": "main",
        "tenant": "default",
        "studies": STUDIES,
        "series": STUDIES,
        "instances": STUDIES * PER_STUDY,
        "sync": "complete",
        "feed": None,
        "undecided": 0,
    }
    again = cli("index", "sync", "-c", str(config), "--json")
    assert json.loads(again.stdout) == {"indexed": {"main": STUDIES * PER_STUDY}}
    assert again.stderr == ""


@pytest.mark.long
def test_a_terminal_shows_a_bar_that_counts(config: Path) -> None:
    shown = _in_terminal([*PACSGATE, "index", "sync", "-c", str(config)])
    assert "━" in shown
    assert "200/" in shown
    assert f"{STUDIES * PER_STUDY}/" in shown


def _in_terminal(command: list[str]) -> str:
    parent, child = pty.openpty()
    with subprocess.Popen(command, stdout=child, stderr=child, stdin=child) as process:
        os.close(child)
        shown = bytearray()
        while chunk := _read(parent):
            shown += chunk
        assert process.wait(60) == 0
    os.close(parent)
    return shown.decode("utf-8", "replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sync_that_was_stopped_goes_on_where_it_was(config: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [*PACSGATE, "index", "sync", "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        with open_installation(read_settings(config), "test") as installation:
            index = installation.stores.index
            _wait_until(lambda: index.unfinished_sync(installation.scope, MAIN) is not None)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode != 0
    assert status(config)["sync"] == "unfinished"
    went_on = json.loads(cli("index", "sync", "-c", str(config), "--json").stdout)
    assert went_on["indexed"]["main"] < STUDIES * PER_STUDY
    assert (status(config)["instances"], status(config)["sync"]) == (STUDIES * PER_STUDY, "complete")


def _wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.long
def test_a_serving_gate_crawls_by_itself_and_follows_what_others_do(orthanc: Orthanc, tmp_path: Path) -> None:
    archive = origin_settings(orthanc.dicomweb_url, staleness_seconds=2)
    config = make_origin_installation(tmp_path / "gate", archive)
    study, series = generate_uid(), generate_uid()
    bring(orthanc, study, series, "BEFORE")
    gone = bring(orthanc, study, series, "BEFORE")
    with (
        serving(config) as (_, _, log),
        open_installation(read_settings(config), "test") as installation,
    ):

        def held() -> list[tuple[str, int]]:
            found = installation.stores.index.studies(installation.scope, MAIN, study)
            return [(entry.patient_id, sum(len(one.instances) for one in entry.series)) for entry in found]

        _wait_until(lambda: held() == [("BEFORE", 2)])
        _remove(orthanc, gone)
        _wait_until(lambda: held() == [("BEFORE", 1)])
        _remove(orthanc, study)
        bring(orthanc, study, series, "CORRECTED")
        _wait_until(lambda: held() == [("CORRECTED", 1)])
        _remove(orthanc, study)
        _wait_until(lambda: held() == [])
        assert "crawl broke" not in log.read_text("utf-8")


def _remove(orthanc: Orthanc, uid: str) -> None:
    for found in orthanc.request("POST", "/tools/lookup", data=uid).json():
        orthanc.request("DELETE", found["Path"])


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("/dicom-web", "/elsewhere", "is `url` its DICOMweb root?"),
        ("user: gate", "user: nobody", "are the credentials right?"),
        ("http://", "https://", "could not be reached"),
    ],
)
def test_a_sync_that_cannot_work_says_what_to_look_at(
    config: Path, wrong: str, right: str, said: str
) -> None:
    config.write_text(config.read_text("utf-8").replace(wrong, right), "utf-8")
    synced = cli("index", "sync", "-c", str(config))
    assert synced.returncode == 1
    assert said in synced.stderr
    assert "Traceback" not in synced.stderr
    assert ORIGIN_CREDENTIALS[1] not in synced.stderr
