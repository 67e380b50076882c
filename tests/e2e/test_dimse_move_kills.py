"""A C-MOVE during which something is killed: beginning and end differ on record, and a retry succeeds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from pacsgate.model.application_entity import RemoteAe
from tests.e2e.test_dimse_move import (
    MOVE,
    NOTHING_SENT,
    PENDING,
    SUCCESS,
    WITH_FAILURES,
    counts,
    listens,
    of_studies,
)
from tests.e2e.test_record_survives_kill import kill
from tests.support.dimse import add_devices, opened_with_dicom, with_dicom
from tests.support.guarded_orthanc import FurnishedOrthanc
from tests.support.hospital import FurnishedHospital, RunningHospital, cli_here
from tests.support.multipart import multipart_related
from tests.support.objects import variant
from tests.support.origin_hospital import ORIGIN_CREDENTIALS
from tests.support.orthanc import running_orthanc
from tests.support.ports import free_port
from tests.support.storage_scp import storage_scp
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

MANY = 100


def store_many(running: RunningHospital, count: int, size: int) -> str:
    """A new study of so many images of so many bytes."""
    study, series = generate_uid(), generate_uid()
    objects = [
        variant(
            "MR_small.dcm",
            PatientID="MANY",
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            SOPInstanceUID=generate_uid(),
            PixelData=bytes(size),
        ).data
        for _ in range(count)
    ]
    body, content_type = multipart_related(objects)
    stored = running.client("CT1").post("/studies", data=body, headers={"Content-Type": content_type})
    assert stored.status_code == 200, stored.text
    return study


def test_a_receiver_that_is_killed_leaves_begun_100_done_37(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    """Row T14."""
    port = free_port()
    own = with_dicom(furnished.copy_to(tmp_path / "gate"))
    add_devices(own.config, RemoteAe("DYING", "chief1", host="127.0.0.1", port=port, owner="admin1"))
    scp = subprocess.Popen([sys.executable, "-m", "tests.support.storage_scp", str(port), "DYING", "37"])
    try:
        wait_until(lambda: listens(port))
        with opened_with_dicom(own) as (running, dicom):
            study = store_many(running, MANY, 8192)
            with dicom.association("chief1", MOVE) as association:
                final, failed = list(association.send_c_move(of_studies(study), "DYING", MOVE))[-1]
    finally:
        scp.kill()
        scp.wait()
    assert (final.Status, counts(final)[1:]) == (WITH_FAILURES, (37, 63, 0))
    assert failed is not None
    assert len(failed.FailedSOPInstanceUIDList) == 63
    report = cli_here("report", "transfers", "--mismatch", "--json", "-c", str(own.config))
    assert report.returncode == 1
    (row,) = json.loads(report.stdout)
    assert (row["begun"], row["done"], row["phase"]) == (100, 37, "broken")


def test_a_gate_that_is_killed_leaves_a_beginning_without_an_end(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    with storage_scp("LAST", seconds=0.3) as received:
        own = with_dicom(furnished.copy_to(tmp_path / "gate"))
        add_devices(own.config, RemoteAe("LAST", "chief1", host="127.0.0.1", port=received.port, owner="o"))
        with opened_with_dicom(own) as (running, dicom):
            uid = running.studies["S1"].study_instance_uid
            with dicom.association("chief1", MOVE) as association:
                next(association.send_c_move(of_studies(uid), "LAST", MOVE))
                kill(running)
    report = cli_here("report", "transfers", "--mismatch", "--json", "-c", str(own.config))
    (row,) = json.loads(report.stdout)
    assert (row["begun"], row["done"], row["phase"]) == (5, None, "no end on record")
    assert 0 < len(received.objects) < 5


@pytest.mark.server("orthanc")
def test_what_an_archive_could_not_give_any_more_is_given_when_it_is_back(
    furnished_orthanc: FurnishedOrthanc, tmp_path: Path
) -> None:
    copy = furnished_orthanc.copy_to(tmp_path)
    own, count = with_dicom(copy.gate), 40
    with storage_scp("SLOW", seconds=0.1) as received:
        add_devices(own.config, RemoteAe("SLOW", "chief1", host="127.0.0.1", port=received.port, owner="o"))
        with running_orthanc(copy.data, credentials=ORIGIN_CREDENTIALS) as orthanc:
            own.config.write_text(own.config.read_text("utf-8").replace(copy.url, orthanc.url), "utf-8")
            with opened_with_dicom(own) as (running, dicom):
                study = store_many(running, count, 1024 * 1024)
                with dicom.association("chief1", MOVE) as association:
                    moving = association.send_c_move(of_studies(study), "SLOW", MOVE)
                    status, _ = next(moving)
                    assert status.Status == PENDING
                    orthanc.process.kill()
                    orthanc.process.wait(10)
                    final, _ = list(moving)[-1]
                assert final.Status in {WITH_FAILURES, NOTHING_SENT}
                _, completed, failed, _ = counts(final)
                assert completed == len(received.objects) < count
                assert completed + failed == count
                with (
                    running_orthanc(copy.data, credentials=ORIGIN_CREDENTIALS, http_port=orthanc.http_port),
                    dicom.association("chief1", MOVE) as association,
                ):
                    again, _ = list(association.send_c_move(of_studies(study), "SLOW", MOVE))[-1]
                assert (again.Status, counts(again)[1]) == (SUCCESS, count)
    report = cli_here("report", "transfers", "--json", "-c", str(own.config))
    rows = json.loads(report.stdout)
    assert [(row["begun"], row["done"], row["phase"]) for row in rows] == [
        (count, completed, "broken"),
        (count, count, "complete"),
    ]
