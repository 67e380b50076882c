"""What no honest client sends: a clear refusal, nothing stored by half, every process alive, memory bounded."""

import contextlib
import gzip
import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from pacsgate.dicom.uids import deterministic_uid
from tests.support.hospital import RunningHospital, cli_here, furnish, opened
from tests.support.objects import Part10, shipped, variant
from tests.support.part10 import MEBIBYTE, deflate_bomb
from tests.support.ports import free_port
from tests.support.scripted_http import answering
from tests.support.small_hospital import some_studies
from tests.support.unrecorded import client, token

GROWTH_BYTES = 160 * MEBIBYTE
"""How much a worker may grow over one attack: several requests' buffers, not what was claimed or inflated."""
TYPE = 'multipart/related; type="application/dicom"; boundary=b'
DICOM = "application/dicom"
CANNOT_UNDERSTAND, OUT_OF_RESOURCES = 0xC000, 0xA700


@dataclass(frozen=True)
class Target:
    """A gate, with somebody who may store and somebody who may see everything."""

    hospital: RunningHospital
    scanner: requests.Session
    chief: requests.Session

    @property
    def root(self) -> str:
        return self.hospital.dicomweb

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.hospital.process.pid).children(recursive=True)

    def holdings(self) -> object:
        """Everything that a store could have changed: what the index lists, and every file of the archive."""
        directory = self.hospital.config.parent / "archive"
        files = sorted(
            str(path.relative_to(directory))
            for path in directory.rglob("*")
            if path.is_file() and path.name != "lock"
        )
        listed = self.chief.get(f"{self.root}/studies", timeout=30)
        assert listed.status_code == 200
        return [file for file in files if not file.startswith("locks/")], listed.content

    def raw(self, data: bytes, *, patience: float = 15) -> bytes:
        """Send bytes as they are; what comes back until the gate closes, or stops sending."""
        address = urlsplit(self.hospital.url)
        with socket.create_connection((address.hostname, address.port), timeout=patience) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
            received = b""
            with contextlib.suppress(OSError):
                while b"\r\n\r\n" not in received and (more := connection.recv(65536)):
                    received += more
        return received


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    silent = answering(b"", then_wait=True)
    with silent as silent_url:
        archives = (
            f"  down: {{kind: dicomweb, url: 'http://127.0.0.1:{free_port()}'}}\n"
            f"  slow: {{kind: dicomweb, url: '{silent_url}', timeout_seconds: 1}}\n"
        )
        made = some_studies("S1", "S2", "S5", "S9")
        furnished = furnish(
            tmp_path_factory.mktemp("bad") / "gate", made=made, settings="default_archive: main\n"
        )
        text = furnished.config.read_text("utf-8")
        furnished.config.write_text(text.replace("archives:\n", f"archives:\n{archives}"), "utf-8")
        with opened(furnished) as hospital:
            yield Target(hospital, *(client(token(hospital, person)) for person in ("CT1", "chief1")))


@pytest.fixture
def unharmed(target: Target) -> Iterator[Target]:
    """The target; afterwards it must hold what it held, in the same processes, without having grown."""
    before = target.holdings()
    sizes = {worker.pid: worker.memory_info().rss for worker in target.workers()}
    yield target
    assert {worker.pid for worker in target.workers()} == set(sizes)
    assert target.holdings() == before
    for worker in target.workers():
        assert worker.memory_info().rss - sizes[worker.pid] < GROWTH_BYTES
    assert target.chief.get(f"{target.root}/studies", timeout=30).status_code == 200


def part(data: bytes, headers: str = "Content-Type: application/dicom") -> bytes:
    return f"--b\r\n{headers}\r\n\r\n".encode() + data + b"\r\n"


def an_object(number: int = 1, **changes: str) -> Part10:
    return variant(
        **{
            "PatientID": "P-bad",
            "StudyInstanceUID": deterministic_uid("bad"),
            "SeriesInstanceUID": deterministic_uid("bad", "series"),
            "SOPInstanceUID": deterministic_uid("bad", str(number)),
            **changes,
        }
    )


WHOLE = an_object().data
BODIES: Mapping[str, tuple[str | None, bytes, int]] = {
    "no content type": (None, WHOLE, 415),
    "no boundary": ('multipart/related; type="application/dicom"', part(WHOLE) + b"--b--\r\n", 400),
    "another boundary": (TYPE.replace("=b", "=c"), part(WHOLE) + b"--b--\r\n", 400),
    "no closing boundary": (TYPE, part(WHOLE), 400),
    "cut in a part": (TYPE, part(WHOLE)[:-1000], 400),
    "cut in a header": (TYPE, b"--b\r\nContent-Ty", 400),
    "nothing": (TYPE, b"", 400),
    "no parts": (TYPE, b"--b--\r\n", 400),
    "text before the first part": (TYPE, b"hello" + part(WHOLE) + b"--b--\r\n", 400),
    "a header without a colon": (TYPE, part(WHOLE, "Content-Type") + b"--b--\r\n", 400),
    "a header that never ends": (TYPE, b"--b\r\nX: " + b"x" * 100_000, 400),
    "too many headers": (TYPE, part(WHOLE, "\r\n".join(f"X-{n}: 1" for n in range(100))) + b"--b--\r\n", 400),
    "too many parts": (TYPE, part(b"") * 10_001 + b"--b--\r\n", 413),
    "a part of another type": (TYPE, part(WHOLE, "Content-Type: image/png") + b"--b--\r\n", 415),
    "a compressed part": (
        TYPE,
        part(WHOLE, f"Content-Type: {DICOM}\r\nContent-Encoding: gzip") + b"--b--\r\n",
        415,
    ),
    "metadata instead of objects": (
        'multipart/related; type="application/dicom+json"; boundary=b',
        part(b"[]"),
        415,
    ),
    "json": ("application/json", b'{"a": ', 415),
    "an empty object": (DICOM, b"", 409),
    "no object": (DICOM, b"hello, world" * 100, 409),
    "only a preamble": (DICOM, WHOLE[:132], 409),
    "cut in the file meta": (DICOM, WHOLE[:200], 409),
    "cut in the data set": (DICOM, WHOLE[:1000], 409),
    "cut in the pixels": (DICOM, WHOLE[:-1000], 409),
    "cut in compressed pixels": (DICOM, shipped("JPEG2000.dcm").data[:-1000], 409),
    "a UID that is a path": (DICOM, an_object(StudyInstanceUID="../../../etc").data, 409),
    "a UID that is a name": (DICOM, an_object(SeriesInstanceUID="DOE^JANE").data, 409),
    "a UID that is too long": (DICOM, an_object(StudyInstanceUID="1." + "2" * 70).data, 409),
    "a UID with an empty component": (DICOM, an_object(StudyInstanceUID="1..2").data, 409),
    "two UIDs in one": (DICOM, an_object(StudyInstanceUID="1.2\\1.3").data, 409),
    "no UID": (DICOM, an_object(StudyInstanceUID="").data, 409),
}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_cannot_be_stored_is_refused_and_leaves_nothing(unharmed: Target, body: str) -> None:
    content_type, data, status = BODIES[body]
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = unharmed.scanner.post(f"{unharmed.root}/studies", data=data, headers=headers, timeout=60)
    assert answer.status_code == status, answer.text
    assert answer.headers["X-Request-Id"]


def test_one_unreadable_part_is_a_failure_by_itself(target: Target) -> None:
    good = [an_object(number, StudyInstanceUID=deterministic_uid("mixed")) for number in (101, 102)]
    body = part(good[0].data) + part(b"no object") + part(good[1].data) + b"--b--\r\n"
    answer = target.scanner.post(
        f"{target.root}/studies", data=body, headers={"Content-Type": TYPE}, timeout=30
    )
    assert answer.status_code == 202, answer.text
    outcome = answer.json()
    stored = [item["00081155"]["Value"][0] for item in outcome["00081199"]["Value"]]
    assert stored == [one.key.sop_instance_uid for one in good]
    assert [item["00081197"]["Value"] for item in outcome["0008119A"]["Value"]] == [[CANNOT_UNDERSTAND]]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_compressed_body_is_refused_before_it_is_looked_into(unharmed: Target, encoding: str) -> None:
    bomb = gzip.compress(bytes(64 * MEBIBYTE))
    headers = {"Content-Type": DICOM, "Content-Encoding": encoding}
    answer = unharmed.scanner.post(f"{unharmed.root}/studies", data=bomb, headers=headers, timeout=30)
    assert answer.status_code == 415


def test_a_deflated_object_that_inflates_beyond_measure_is_refused(unharmed: Target) -> None:
    bomb = deflate_bomb(1030)
    assert len(bomb) < 4 * MEBIBYTE
    headers = {"Content-Type": DICOM}
    answer = unharmed.scanner.post(f"{unharmed.root}/studies", data=bomb, headers=headers, timeout=120)
    assert answer.status_code == 409
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [OUT_OF_RESOURCES]


PATHS = (
    "/dicom-web/%2e%2e/studies",
    "/dicom-web/./studies",
    "/dicom-web/studies/../studies",
    "/dicom-web/..;/studies",
    "/dicom-web/studies%2f{S1}",
    "/dicom-web/studies%2F{S1}/metadata",
    "/dicom-web/studies%5c{S1}",
    "/dicom-web/studies%252f{S1}",
    "/dicom-web%2fstudies",
    "/dicom-web//studies",
    "//dicom-web/studies",
    "/dicom-web/studies/",
    "/dicom-web/studies/{S1}/",
    "/dicom-web/studies//{S1}",
    "/dicom-web/studies;x=1",
    "/dicom-web/studies/{S1};x=1",
    "/dicom-web/studies%3bx",
    "/dicom-web/studies%00",
    "/dicom-web/studies/{S1}%00",
    "/dicom-web/studies%0d%0aX:1",
    "/dicom-web/studies.",
    "/dicom-web/studies/{S1}.",
    "/dicom-web/studies%20",
    "/dicom-web/Studies",
    "/DICOM-WEB/studies",
    "/%64icom-web/studies",
    "/dicom-web/studies%",
    "/dicom-web/studies%zz",
    "/dicom-web/studies/{S1}%u002fmetadata",
    "/dicom-web/studies/%c0%af",
    "/dicom-web/studies/" + "1" * 8000,
    "/archives/main%2fdicom-web/studies",
    "/archives/main/../main/dicom-web/studies",
    "/archives/MAIN/dicom-web/studies",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_no_other_spelling_of_a_path_is_served(target: Target, path: str) -> None:
    uid = target.hospital.studies["S1"].study_instance_uid
    authorization = target.chief.headers["Authorization"]
    head = f"GET {path.replace('{S1}', uid)} HTTP/1.1\r\nHost: gate\r\nAuthorization: {authorization}\r\n"
    answer = target.raw(f"{head}Connection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1\.1 (400|404|414) ", answer), answer[:200]


QUERIES = (
    ("limit=99999999999999999999999", {200, 400}),
    ("limit=-1", {400}),
    ("limit=1e9", {400}),
    ("offset=99999999999999999999999", {204, 400}),
    ("limit=1&limit=2", {400}),
    ("PatientNam=DOE", {400}),
    ("0010001=DOE", {400}),
    ("StudyDate=20260101-20250101", {204, 400}),
    ("StudyDate=yesterday", {400}),
    ("StudyInstanceUID=abc", {400}),
    ("PatientName=" + "*" * 5000, {200, 204, 400}),
    ("PatientName=" + "a" * 60_000, {204, 400}),
    ("PatientName=" + "a" * 70_000, {400, 414, 431}),
    ("PatientName=%ff", {400}),
    ("PatientName=%00", {400}),
    ("PatientName=DOE%0aJANE", {400}),
    ("&".join(f"includefield={n:08x}" for n in range(200)), {400}),
    ("_method=DELETE", {400}),
    ("fuzzymatching=perhaps", {400}),
)


@pytest.mark.parametrize(("query", "statuses"), QUERIES, ids=[query[:30] for query, _ in QUERIES])
def test_a_query_that_makes_no_sense_gets_a_clear_answer(
    unharmed: Target, query: str, statuses: set[int]
) -> None:
    answer = unharmed.chief.get(f"{unharmed.root}/studies?{query}", timeout=30)
    assert answer.status_code in statuses, (answer.status_code, answer.text[:200])


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_in_a_header_is_refused(unharmed: Target, name: str) -> None:
    answer = unharmed.chief.post(f"{unharmed.root}/studies", headers={name: "DELETE"}, timeout=30)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "head",
    [
        b"GET /dicom-web/studies HTTP/1.1\r\nHost: gate\r\nX: " + b"x" * 20 * MEBIBYTE,
        b"GET /" + b"x" * 20 * MEBIBYTE,
        b"GET /dicom-web/studies HTTP/1.1\r\nHost: gate\r\n" + b"X-1: 1\r\n" * 2_000_000,
    ],
    ids=["one header without end", "a path without end", "headers without end"],
)
def test_a_head_without_end_is_cut_off(unharmed: Target, head: bytes) -> None:
    address = urlsplit(unharmed.hospital.url)
    with (
        socket.create_connection((address.hostname, address.port), timeout=15) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.sendall(head)


def test_an_upload_that_is_broken_off_leaves_nothing(unharmed: Target) -> None:
    head = (
        f"POST /dicom-web/studies HTTP/1.1\r\nHost: gate\r\nContent-Type: {TYPE}\r\nContent-Length: 10000000\r\n"
        f"Authorization: {unharmed.scanner.headers['Authorization']}\r\n\r\n"
    ).encode()
    address = urlsplit(unharmed.hospital.url)
    for _ in range(5):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(head + part(WHOLE) + part(WHOLE)[:500])
            time.sleep(0.1)
    deadline = time.monotonic() + 10
    spool = unharmed.hospital.config.parent / "archive" / "spool"
    while [path for path in spool.rglob("*") if path.is_file() and path.name != "lock"]:
        assert time.monotonic() < deadline, "uploads that were broken off are still in the spool"
        time.sleep(0.1)


def test_values_that_are_too_long_are_stored_as_they_are_or_refused(target: Target) -> None:
    for number, changes in enumerate(
        ({"PatientID": "P" * 10_000}, {"PatientName": "N" * 100_000}, {"Modality": "X" * 1000}), start=200
    ):
        sent = an_object(number, StudyInstanceUID=deterministic_uid("long", str(number)), **changes)
        answer = target.scanner.post(
            f"{target.root}/studies", data=sent.data, headers={"Content-Type": DICOM}, timeout=30
        )
        assert answer.status_code in {200, 409}
        shown = target.chief.get(f"{target.root}/studies/{sent.key.study_instance_uid}/metadata", timeout=30)
        assert shown.status_code == (200 if answer.status_code == 200 else 404)


@pytest.mark.parametrize(("archive", "status"), [("down", 502), ("slow", 504)])
def test_an_archive_that_is_down_or_slow_is_said_to_be(target: Target, archive: str, status: int) -> None:
    url = f"{target.hospital.url}/archives/{archive}/dicom-web/studies/2.25.1"
    for path in ("", "/metadata", "/rendered"):
        answer = target.chief.get(url + path, timeout=30)
        assert answer.status_code == status, answer.text
        assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])
        assert "127.0.0.1" not in answer.text


@contextlib.contextmanager
def full_disk(target: Target) -> Iterator[None]:
    """No file of any process may grow: to write there is what it is on a full disk."""
    processes = [
        process for process in target.workers() if "resource_tracker" not in " ".join(process.cmdline())
    ]
    limits = {process: process.rlimit(psutil.RLIMIT_FSIZE) for process in processes}
    try:
        for process, (_, hard) in limits.items():
            process.rlimit(psutil.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        for process, limit in limits.items():
            process.rlimit(psutil.RLIMIT_FSIZE, limit)


def test_while_the_disk_is_full_no_patient_data_leaves_and_nothing_comes_in(target: Target) -> None:
    before = target.holdings()
    workers = {worker.pid for worker in target.workers()}
    sent = an_object(300, StudyInstanceUID=deterministic_uid("full"))

    def answers() -> dict[str, int]:
        s2, s5, s9 = (target.hospital.study(name) for name in ("S2", "S5", "S9"))
        reads = {
            path: target.chief.get(target.root + path, timeout=30)
            for path in ("/studies", s2, f"{s5}/metadata", f"{s9}/rendered")
        }
        stored = target.scanner.post(
            f"{target.root}/studies", data=sent.data, headers={"Content-Type": DICOM}, timeout=30
        )
        unknown = requests.get(f"{target.root}/studies", timeout=30)
        return {
            **{path: read.status_code for path, read in reads.items()},
            "store": stored.status_code,
            "nobody": unknown.status_code,
        }

    with full_disk(target):
        for _ in range(3):
            assert set(answers().values()) == {503}
    time.sleep(1)
    assert target.holdings() == before
    assert {worker.pid for worker in target.workers()} == workers
    after = answers()
    assert after.pop("nobody") == 401
    assert set(after.values()) == {200}
    assert target.hospital.cli("audit", "verify").returncode == 0


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("policy", "check"), "version: 1\nroles: [\n"),
        (("policy", "check"), "version: 1\nrolls: {}\n"),
        (("policy", "check"), "version: 1\nversion: 1\n"),
        (("policy", "check"), "\x00\x01"),
        (("policy", "check"), "a: &a [*a, *a]\n"),
        (("config", "check"), "data: [\n"),
        (("config", "check"), "dada: data\n"),
    ],
)
def test_a_file_with_a_mistake_is_refused_with_its_place(
    tmp_path: Path, command: tuple[str, str], text: str
) -> None:
    file = tmp_path / "mistake.yaml"
    file.write_text(text, "utf-8")
    refused = cli_here(*command, str(file))
    assert refused.returncode in {1, 2}
    # What is no text at all is wrong as a whole; everything else has a line and a column.
    place = "" if text.startswith("\x00") else r":[1-9]\d*:[1-9]\d*"
    assert re.search(rf"{file.name}{place}: ", refused.stdout + refused.stderr), (
        refused.stdout + refused.stderr
    )
    assert "Traceback" not in refused.stderr


def test_no_log_line_holds_patient_data_or_a_secret(target: Target) -> None:
    """Runs last: by now the log tells of everything that this module did."""
    log = target.hospital.log.read_text("utf-8", "replace")
    assert "request failed" in log
    assert "request broke" not in log
    target.hospital.recorder.see("(nobody)", log, "the log of the gate")
    for session in (target.chief, target.scanner):
        assert str(session.headers["Authorization"]).split()[1] not in log
    for password in target.hospital.passwords.values():
        assert password not in log
    for told in ("DOE", "P-bad", "multipart", "Traceback"):
        assert told not in log
    for line in log.splitlines():
        assert line.startswith(("{", "pacsgate serves ", "WARNING uvicorn", "ERROR uvicorn")), line
    for line in log.splitlines():
        if line.startswith("{"):
            json.loads(line)
