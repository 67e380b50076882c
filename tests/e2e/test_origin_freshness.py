"""What others do to an origin behind the gate's back, and what the gate does when the origin is away.

A real Orthanc behind nginx, which speaks TLS with a certificate of a private authority and logs what it is asked.
"""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.support.hospital import RunningHospital, opened
from tests.support.nginx import running_nginx
from tests.support.origin_hospital import ORIGIN_CREDENTIALS, furnish_origin, origin_settings
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.servers import find_program
from tests.support.tls import CertificateAuthority

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.server("nginx"), pytest.mark.long]

TIMEOUT_SECONDS = 2
CRAWLED_SECONDS = 30
UNKNOWN = "2.25.4"


@dataclass(frozen=True)
class Site:
    """A gate, the Orthanc behind it, and the log of what that is asked."""

    gate: RunningHospital
    orthanc: Orthanc
    access_log: Path

    def questions(self) -> list[str]:
        """The request lines so far."""
        return re.findall(r'"((?:GET|POST|DELETE) [^"]*) HTTP', self.access_log.read_text("utf-8"))

    def wait_until_quiet(self) -> None:
        """Wait until the gate's first crawl is over."""
        before = -1
        while len(self.questions()) != before:
            before = len(self.questions())
            time.sleep(1.5)

    def bring(self, patient_id: str = "NEW", **identifiers: str) -> str:
        """Put a new CT study of rad1's department into Orthanc, past the gate; returns its UID."""
        image = dcmread(BytesIO(part10(self.gate.objects["S1"][0])))
        uid = identifiers.get("study", generate_uid())
        image.StudyInstanceUID, image.SeriesInstanceUID = uid, identifiers.get("series", generate_uid())
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.PatientID, image.PatientName = patient_id, "NEW^PATIENT"
        written = BytesIO()
        image.save_as(written, enforce_file_format=True)
        self.orthanc.upload(written.getvalue())
        return str(uid)

    def remove(self, uid: str) -> None:
        """Take a study, series or instance out of Orthanc, past the gate."""
        for found in self.orthanc.request("POST", "/tools/lookup", data=uid).json():
            self.orthanc.request("DELETE", found["Path"])

    def listed(self, persona: str) -> dict[str, str]:
        """PatientID by StudyInstanceUID, as a search of this person finds them."""
        answered = self.gate.client(persona).get("/studies")
        assert answered.status_code in {200, 204}
        rows = answered.json() if answered.content else []
        return {row["0020000D"]["Value"][0]: row["00100020"]["Value"][0] for row in rows}


def _tls_proxy(directory: Path, orthanc: Orthanc, port: int) -> tuple[str, Path]:
    """The server block, and the certificate of its authority."""
    authority = CertificateAuthority(directory / "ca")
    certificate, key = authority.issue("localhost")
    block = f"""
        server {{
            listen 127.0.0.1:{port} ssl;
            ssl_certificate {certificate};
            ssl_certificate_key {key};
            access_log {directory}/access.log combined;
            location / {{ proxy_pass http://127.0.0.1:{orthanc.http_port}; proxy_request_buffering off; }}
        }}"""
    return block, authority.ca_file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    port = free_port()
    with running_orthanc(directory / "orthanc", credentials=ORIGIN_CREDENTIALS) as orthanc:
        block, ca_file = _tls_proxy(directory, orthanc, port)
        archive = origin_settings(
            f"https://localhost:{port}/dicom-web/",
            further={"ca_file": ca_file, "timeout_seconds": TIMEOUT_SECONDS},
        )
        with running_nginx(directory / "nginx", block, port=port):
            furnished = furnish_origin(directory / "gate", orthanc, archive=archive)
            with opened(furnished) as gate:
                made = Site(gate, orthanc, directory / "access.log")
                made.wait_until_quiet()
                yield made


def test_the_certificate_of_the_private_authority_was_verified_on_the_way(site: Site) -> None:
    assert "https://" in site.gate.config.read_text("utf-8")
    assert site.gate.client("chief1").get(site.gate.instance("S1")).status_code == 200


def test_a_study_that_is_new_in_the_origin_is_found_as_soon_as_it_is_named(site: Site) -> None:
    uid = site.bring()
    assert uid not in site.listed("rad1")
    assert site.gate.client("rad1").get(f"/studies/{uid}/metadata").status_code == 200
    assert site.listed("rad1")[uid] == "NEW"
    assert site.gate.client("rad2").get(f"/studies/{uid}/metadata").status_code == 404


def test_a_sync_brings_what_is_new_and_takes_away_what_is_gone(site: Site) -> None:
    new, gone = site.bring(), site.bring()
    assert site.gate.client("rad1").get(f"/studies/{gone}/metadata").status_code == 200
    site.remove(gone)
    assert site.gate.cli("index", "sync").returncode == 0
    listed = site.listed("rad1")
    assert new in listed
    assert gone not in listed


def test_a_study_that_was_removed_behind_the_gate_is_404_like_any_unknown_one_and_leaves_the_lists(
    site: Site,
) -> None:
    uid = site.bring()
    client = site.gate.client("rad1")
    unknown = client.get(f"/studies/{UNKNOWN}")
    for path in ("", "/metadata", "/rendered", "/bulkdata"):
        uid = site.bring()
        assert client.get(f"/studies/{uid}/metadata").status_code == 200
        assert uid in site.listed("rad1")
        site.remove(uid)
        answered = client.get(f"/studies/{uid}{path}")
        assert (answered.status_code, answered.content) == (404, unknown.content), path
        assert answered.headers.keys() == unknown.headers.keys()
        assert uid not in site.listed("rad1"), path


def test_an_object_that_was_removed_breaks_one_answer_and_is_then_left_out(site: Site) -> None:
    series = generate_uid()
    uid = site.bring(series=series)
    site.bring(study=uid, series=series)
    client = site.gate.client("rad1")
    instances = [row["00080018"]["Value"][0] for row in client.get(f"/studies/{uid}/metadata").json()]
    assert len(instances) == 2
    site.remove(instances[1])
    path = f"/studies/{uid}/series/{series}/instances/{instances[1]}"
    assert client.get(path).status_code == 404
    assert client.get(f"/studies/{uid}").status_code == 200
    (row,) = client.get(f"/studies/{uid}/instances").json()
    assert row["00080018"]["Value"] == [instances[0]]


def test_hidden_and_unknown_studies_cost_the_origin_the_same_question(site: Site) -> None:
    never_seen = site.bring()
    client = site.gate.client("rad2")
    site.gate.client("rad1").get(site.gate.study("S1") + "/metadata")
    asked = {}
    for name, uid in {
        "hidden": site.gate.studies["S1"].study_instance_uid,
        "hidden, not in the index yet": never_seen,
        "unknown": UNKNOWN,
    }.items():
        before = len(site.questions())
        assert client.get(f"/studies/{uid}/metadata").status_code == 404
        asked[name] = [
            re.sub(r"/studies/[0-9.]+/", "/studies/UID/", each) for each in site.questions()[before:]
        ]
    assert asked["unknown"] == ["GET /dicom-web/studies/UID/metadata"]
    assert asked["hidden"] == asked["unknown"]
    assert asked["hidden, not in the index yet"] == asked["unknown"]


def test_the_question_about_a_hidden_study_is_put_about_one_that_nobody_has(site: Site) -> None:
    hidden = site.gate.studies["S1"].study_instance_uid
    site.gate.client("rad1").get(site.gate.study("S1") + "/metadata")
    before = len(site.questions())
    assert site.gate.client("rad2").get(f"/studies/{hidden}/metadata").status_code == 404
    (asked,) = site.questions()[before:]
    assert hidden not in asked


def test_a_search_costs_the_origin_nothing(site: Site) -> None:
    before = len(site.questions())
    site.listed("chief1")
    site.gate.client("chief1").get(site.gate.study("S1") + "/series")
    assert len(site.questions()) == before


def test_an_origin_that_is_silent_is_504_in_time_and_lists_go_on(site: Site) -> None:
    client = site.gate.client("chief1")
    site.orthanc.process.send_signal(signal.SIGSTOP)
    try:
        for path in ("/metadata", "", "/rendered"):
            started = time.monotonic()
            answered = client.get(site.gate.study("S2") + path)
            assert answered.status_code == 504, path
            assert answered.headers["X-Request-Id"]
            assert time.monotonic() - started < TIMEOUT_SECONDS + 3
        assert client.get(f"/studies/{UNKNOWN}/metadata").status_code == 504
        assert len(site.listed("rad3")) == 5
    finally:
        site.orthanc.process.send_signal(signal.SIGCONT)
    assert client.get(site.gate.study("S2") + "/metadata").status_code == 200


def test_an_origin_that_is_away_is_502_for_seen_hidden_and_unknown_and_serves_again_when_it_is_back(
    site: Site,
) -> None:
    client = site.gate.client("rad1")
    with _stopped(site.orthanc):
        for path in (site.gate.study("S1"), site.gate.study("S2"), f"/studies/{UNKNOWN}"):
            answered = client.get(f"{path}/metadata")
            assert answered.status_code == 502
            assert answered.headers["X-Request-Id"]
            assert answered.json()["error"] == "archive unavailable"
        assert len(site.listed("rad3")) == 5
        synced = site.gate.cli("index", "sync")
        assert synced.returncode == 1
        assert "the archive" in synced.stderr
        assert "Traceback" not in synced.stderr
    again = running(
        [str(find_program("Orthanc")), str(site.orthanc.log.parent / "orthanc.json")], site.orthanc.log
    )
    with again:
        deadline = time.monotonic() + 20
        while (status := client.get(site.gate.study("S1") + "/metadata").status_code) == 502:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert status == 200


@contextmanager
def _stopped(orthanc: Orthanc) -> Iterator[None]:
    orthanc.process.terminate()
    orthanc.process.wait(20)
    yield
