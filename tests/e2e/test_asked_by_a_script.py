"""The script of `deploy/orthanc`, run by Debian's Orthanc with its Python plugin: what is not safe unseen is denied."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.guarded_orthanc import FurnishedOrthanc
from tests.support.hospital import RecordingSession, RunningHospital, cli_here, opened
from tests.support.origin_hospital import ORIGIN_CREDENTIALS
from tests.support.orthanc import PLUGIN, Orthanc, running_orthanc
from tests.support.orthanc_ids import orthanc_id
from tests.support.ports import free_port

pytestmark = [pytest.mark.server("orthanc-python"), pytest.mark.long]

SCRIPT = Path(__file__).resolve().parents[2] / "deploy/orthanc/pacsgate.py"
PYTHON_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancPython.so")


@dataclass(frozen=True)
class Asking:
    """An Orthanc that asks a gate, which guards it."""

    orthanc: Orthanc
    hospital: RunningHospital

    def client(self, persona: str | None) -> RecordingSession:
        password = None if persona is None else self.hospital.passwords[persona]
        return RecordingSession(self.orthanc.url, persona, password, self.hospital.recorder)

    def instance(self, study: str) -> str:
        first = self.hospital.objects[study][0]
        return orthanc_id(
            first.PatientID, first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPInstanceUID
        )

    def study(self, study: str) -> str:
        first = self.hospital.objects[study][0]
        return orthanc_id(first.PatientID, first.StudyInstanceUID)


@pytest.fixture(scope="module")
def asking(furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("script"))
    config, port = furnished.gate.config, free_port()
    config.write_text(config.read_text("utf-8").replace("port: 0}", f"port: {port}}}"), "utf-8")

    def cli(*arguments: str) -> str:
        done = cli_here(*arguments, "-c", str(config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    cli("role", "add", "script", "--permission", "EvaluateForOthers")
    cli("user", "add", "orthanc-script", "--kind", "service", "--no-password", "--role", "script")
    token = config.parent / "script.token"
    token.write_text(json.loads(cli("token", "issue", "orthanc-script", "--label", "t", "--json"))["token"])
    printed = cli(
        "orthanc", "config", "--way", "script", "--secret-file", str(token), "--script", str(SCRIPT)
    )
    settings = {
        **json.loads(printed),
        "Plugins": [str(PLUGIN), str(PYTHON_PLUGIN)],
        "RemoteAccessAllowed": False,
    }
    with running_orthanc(furnished.data, credentials=ORIGIN_CREDENTIALS, settings=settings) as orthanc:
        config.write_text(config.read_text("utf-8").replace(furnished.url, orthanc.url), "utf-8")
        with opened(furnished.gate) as hospital:
            yield Asking(orthanc, hospital)


def test_an_object_that_somebody_may_have_whole_is_answered(asking: Asking) -> None:
    rad1 = asking.client("rad1")
    for path in (
        f"/instances/{asking.instance('S1')}/file",
        f"/instances/{asking.instance('S1')}/preview",
        f"/studies/{asking.study('S1')}?_=1",
        f"/dicom-web{asking.hospital.instance('S1')}/metadata",
    ):
        answer = rad1.get(path)
        assert answer.status_code == 200, path
        assert answer.content == asking.orthanc.request("GET", path).content


def test_lists_are_for_who_may_see_everything(asking: Asking) -> None:
    for path in ("/studies", "/patients?expand", "/dicom-web/studies", "/statistics"):
        assert asking.client("chief1").get(path).status_code == 200, path
        for persona in ("rad1", "rad2", "ref1", "clerk1", "stud1", "admin1", None):
            assert asking.client(persona).get(path).status_code == 403, (persona, path)


def test_everything_else_is_denied(asking: Asking) -> None:
    rad1, own, foreign = asking.client("rad1"), asking.instance("S1"), asking.instance("S2")
    for answer in (
        rad1.get(f"/instances/{foreign}/file"),
        rad1.get(f"/instances/{foreign}"),
        rad1.get("/changes"),
        rad1.get("/jobs"),
        rad1.delete(f"/instances/{own}"),
        rad1.get(f"/instances/{own}", headers={"X-HTTP-Method-Override": "DELETE"}),
        rad1.get(f"/instances/{own}?_method=DELETE"),
        rad1.post("/tools/find", json={"Level": "Study", "Query": {}}),
        rad1.post("/tools/execute-script", data=b"print(1)"),
        rad1.put("/modalities/x", json=["X", "127.0.0.1", 1]),
        rad1.get(f"/instances/{own}/file", headers={"X-Original-URI": f"/orthanc/instances/{own}/file"}),
    )[:-1]:
        assert answer.status_code == 403
    assert asking.orthanc.request("GET", f"/instances/{own}").status_code == 200


def test_nothing_is_answered_while_the_gate_is_away(asking: Asking) -> None:
    asking.hospital.process.terminate()
    asking.hospital.process.wait(20)
    for persona in ("chief1", "rad1"):
        answer = requests.get(
            f"{asking.orthanc.url}/instances/{asking.instance('S1')}/file",
            auth=(persona, asking.hospital.passwords[persona]),
            timeout=30,
        )
        assert answer.status_code == 403
