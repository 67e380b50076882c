"""The DICOM door of a served hospital, seen by real clients: who comes in, who is shown out."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pydicom.dataset import Dataset

from tests.support.dimse import Dicom, Rejected, opened_with_dicom, title_of, with_dicom
from tests.support.dimse_wire import C_ECHO_RQ, associate_rq, identity_item, wire
from tests.support.hospital import FurnishedHospital, RunningHospital
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server("dcmtk")


def studies() -> Dataset:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = ""
    return wanted


def test_a_device_that_is_who_it_says_gets_an_echo(dicom: Dicom) -> None:
    assert "Received Echo Response (Success)" in dicom.tool("echoscu", "-v", "@", calling=title_of("rad1"))


def test_a_title_that_is_none_of_ours_is_told_so(dicom: Dicom) -> None:
    answer = dicom.called("ELSEWHERE").tool("echoscu", "-v", "@", calling=title_of("rad1"))
    assert "Reason: Called AE Title Not Recognized" in answer


def test_a_caller_without_an_identity_is_rejected_for_good(dicom: Dicom) -> None:
    answer = dicom.tool("echoscu", "-v", "@")
    assert "Result: Rejected Permanent, Source: Service Provider (ACSE Related)" in answer


@pytest.mark.parametrize(
    ("password", "expected"), [(None, "Association Accepted"), ("x", "Rejected Permanent")]
)
def test_dcmtk_says_who_stores_and_asks_for_an_answer(
    dicom: Dicom, hospital: RunningHospital, tmp_path: Path, password: str | None, expected: str
) -> None:
    """With a library that answers types 3 to 5 only, `-rsp` gives up."""
    hospital.objects["S1"][0].save_as(tmp_path / "one.dcm")
    secret = password or hospital.passwords["rad1"]
    told = dicom.tool(
        "storescu", "-v", "-usr", "rad1", "-pwd", secret, "-rsp", "@", str(tmp_path / "one.dcm")
    )
    assert expected in told
    assert "none received" not in told


def test_a_persona_finds_the_same_as_over_the_web(dicom: Dicom, hospital: RunningHospital) -> None:
    rows, status = dicom.find("rad1", studies())
    listed = hospital.client("rad1").get("/studies").json()
    assert status == 0x0000
    assert {str(row.StudyInstanceUID) for row in rows} == {row["0020000D"]["Value"][0] for row in listed}


def test_nothing_that_a_peer_said_is_in_the_log(dicom: Dicom, hospital: RunningHospital) -> None:
    wanted = studies()
    wanted.PatientName = "SEARCHED^FOR*"
    dicom.find("rad1", wanted)
    with pytest.raises(Rejected), dicom.association("rad1", "1.2.840.10008.1.1", password="not-the-password"):
        pass
    log = hospital.log.read_text("utf-8")
    assert "SEARCHED" not in log
    assert "not-the-password" not in log


def test_a_disabled_user_s_association_is_aborted_within_two_seconds(
    own_dicom_hospital: tuple[RunningHospital, Dicom],
) -> None:
    hospital, dicom = own_dicom_hospital
    identity = identity_item(2, b"rad2", hospital.passwords["rad2"].encode())
    with wire(dicom.port) as peer:
        peer.associate(associate_rq("PACSGATE", user_items=identity))
        assert peer.echo() == 0
        assert hospital.cli("user", "disable", "rad2").returncode == 0
        began = time.monotonic()
        assert peer.pdu()[:1] == b"\x07"
        assert time.monotonic() - began < 2
    with pytest.raises(Rejected) as rejected, dicom.association("rad2", "1.2.840.10008.1.1"):
        pass
    assert rejected.value.triple == (1, 2, 1)


@pytest.mark.long
def test_the_processes_of_the_door_are_replaced_when_all_die(
    own_dicom_hospital: tuple[RunningHospital, Dicom],
) -> None:
    hospital, dicom = own_dicom_hospital
    workers = psutil.Process(hospital.process.pid).children(recursive=True)
    doors = [worker for worker in workers if _listens_alone(worker, dicom.port, hospital.url)]
    assert len(doors) == 2
    for door in doors:
        door.kill()
    wait_until(lambda: _answers(dicom), seconds=30)


@pytest.mark.long
def test_a_stop_ends_associations_and_leaves_nothing(furnished: FurnishedHospital, tmp_path: Path) -> None:
    with opened_with_dicom(with_dicom(furnished.copy_to(tmp_path / "gate"))) as (hospital, dicom):
        with wire(dicom.port) as peer:
            peer.associate(associate_rq("PACSGATE", title_of("rad1")))
            peer.send(C_ECHO_RQ)
            peer.pdu()
            hospital.process.send_signal(signal.SIGTERM)
            assert peer.pdu()[:1] == b"\x07"
        hospital.process.wait(20)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((dicom.host, dicom.port), timeout=5)
    verified = subprocess.run(
        [sys.executable, "-m", "pacsgate", "audit", "verify", "-c", str(hospital.config)], check=False
    )
    assert verified.returncode == 0


def _listens_alone(worker: psutil.Process, port: int, url: str) -> bool:
    ports = {each.laddr.port for each in worker.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    return port in ports and int(url.rsplit(":", 1)[1]) not in ports


def _answers(dicom: Dicom) -> bool:
    try:
        return dicom.echo("rad1") == 0
    except (ConnectionError, Rejected):
        return False
