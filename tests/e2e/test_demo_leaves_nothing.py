"""The demo: ready with one line of JSON, gone without a trace at Ctrl-C."""

import os
import signal
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.dimse import Dicom
from tests.support.hospital import running_demo


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@pytest.mark.long
def test_ctrl_c_ends_every_process_and_removes_the_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_demo(tmp_path) as (said, process):
        directory = Path(said["config"]).parent
        assert directory.parent == tmp_path
        rad1 = next(user for user in said["users"] if user["name"] == "rad1")
        assert rad1["roles"] == ["radiologist"]
        dicom = Dicom(said["dicom"]["host"], said["dicom"]["port"], {}, said["dicom"]["ae_title"])
        assert dicom.echo(None, calling="WORKSTATION") == 0x0000
        rows = requests.get(
            f"{said['url']}/dicom-web/studies", auth=("rad1", rad1["password"]), timeout=30
        ).json()
        s1 = next(study for study in said["studies"] if study["name"] == "S1")
        assert [row["0020000D"]["Value"][0] for row in rows] == [s1["study_instance_uid"]]
        assert rows[0]["00100020"]["Value"] == [s1["patient_id"]]
        family = _family(process.pid)
        assert len(family) >= 5
    assert not directory.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["demo.log"]
    assert not [member for member in family if member.is_running()]


@pytest.mark.long
def test_with_a_directory_the_hospital_stays_and_can_be_served_again(tmp_path) -> None:
    kept = tmp_path / "kept"
    with running_demo(tmp_path, "--data", str(kept)) as (said, process):
        assert Path(said["config"]) == kept / "pacsgate.yaml"
        # A terminal sends Ctrl-C to every process in the foreground, not only to the first.
        for member in _family(process.pid)[1:]:
            os.kill(member.pid, signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert (kept / "data" / "pacsgate.db").exists()


@pytest.mark.long
def test_every_run_has_passwords_of_its_own(tmp_path) -> None:
    passwords = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        with running_demo(tmp_path / str(number)) as (said, _):
            passwords.append({user["password"] for user in said["users"]})
    assert len(passwords[0]) == len(passwords[1]) == 15
    assert not passwords[0] & passwords[1]
