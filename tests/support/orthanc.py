"""A real Orthanc from Debian, with its DICOMweb plugin, for the length of a `with` block.

It listens on free loopback ports, keeps its data in the directory it is given
and stops by itself, also when the test process dies.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.ports import free_ports
from tests.support.processes import running
from tests.support.servers import find_program

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
READY_SECONDS = 30.0


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: where it is and who may enter."""

    http_port: int
    dicom_port: int
    ae_title: str
    credentials: tuple[str, str] | None
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """Root of the REST API, without a trailing slash."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        """Root of the DICOMweb API, without a trailing slash."""
        return f"{self.url}/dicom-web"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request to the REST API, refused answers raised."""
        answer = requests.request(method, self.url + path, auth=self.credentials, timeout=60, **options)
        answer.raise_for_status()
        return answer

    def upload(self, part10: bytes) -> str:
        """Store one Part 10 file over Orthanc's own API; the answer is its Orthanc id."""
        return str(self.request("POST", "/instances", data=part10).json()["ID"])

    def clear(self) -> None:
        """Remove every patient."""
        for patient in self.request("GET", "/patients").json():
            self.request("DELETE", f"/patients/{patient}")

    def instance_count(self) -> int:
        """How many instances it holds."""
        return int(self.request("GET", "/statistics").json()["CountInstances"])


@contextmanager
def running_orthanc(
    directory: Path,
    *,
    credentials: tuple[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    http_port: int | None = None,
    wrapper: Sequence[str] = (),
) -> Iterator[Orthanc]:
    """Start Orthanc with its data under `directory`, wait until it answers, stop it at the end.

    `settings` are keys of Orthanc's own configuration file, laid over ours.  It listens on `http_port` where
    another did before; `wrapper` is a command that starts it.
    """
    executable = find_program("Orthanc")
    if executable is None or not PLUGIN.exists():
        raise RuntimeError("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    directory.mkdir(parents=True, exist_ok=True)
    free_port, dicom_port = free_ports(2)
    http_port = http_port or free_port
    configuration = {
        "Name": "tests",
        "StorageDirectory": str(directory / "storage"),
        "IndexDirectory": str(directory / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": credentials is not None,
        "RegisteredUsers": dict([credentials]) if credentials else {},
        "HttpsVerifyPeers": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "WadoRoot": "/wado"},
        **(settings or {}),
    }
    file = directory / "orthanc.json"
    file.write_text(json.dumps(configuration, indent=2))
    log = directory / "orthanc.log"
    # Asked to end it takes three seconds, though all that it was told is in its database already.  What a wrapper
    # has started must be told by the wrapper.
    stop = signal.SIGTERM if wrapper else signal.SIGKILL
    with running([*wrapper, str(executable), str(file)], log, stop=stop) as process:
        orthanc = Orthanc(http_port, dicom_port, "ORTHANC", credentials, process, log)
        _wait_until_ready(orthanc)
        yield orthanc


def _wait_until_ready(orthanc: Orthanc) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if orthanc.process.poll() is not None:
            break
        try:
            orthanc.request("GET", "/dicom-web/studies?limit=1")
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Orthanc did not become ready:\n{orthanc.log.read_text(errors='replace')[-4000:]}")
