"""When the command that revokes has returned, the next request obeys; what is running ends within two seconds."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests
from pydicom.uid import generate_uid

from tests.e2e.asking import RELOAD_SECONDS, another, found, stow
from tests.support.hospital import RunningHospital

STREAM_SECONDS = 2
WORKERS = 2
LARGE_OBJECTS, LARGE_BYTES = 4, 16 * 1024**2
CLOSED = """\
rules:
  - id: closed
    effect: forbid
    actions: ['*']
"""
REQUESTS = 6 * WORKERS
"""Enough new connections that each worker answers some of them."""


def _token(hospital: RunningHospital, persona: str) -> dict[str, str]:
    issued = hospital.cli("token", "issue", persona, "--label", "test", "--json")
    return json.loads(issued.stdout)


def _statuses(hospital: RunningHospital, persona: str, token: str, path: str) -> set[int]:
    """What several connections get: with more than one worker, more than one of them answers."""
    return {hospital.bearer(persona, token).get(path).status_code for _ in range(REQUESTS)}


def test_a_disabled_user_is_refused_at_the_next_request_by_every_worker(
    own_hospital: RunningHospital,
) -> None:
    token = _token(own_hospital, "tech1")["token"]
    password = own_hospital.client("tech1")
    assert password.get("/studies").status_code == 200
    assert _statuses(own_hospital, "tech1", token, "/studies") == {200}
    assert own_hospital.cli("user", "disable", "tech1").returncode == 0
    assert _statuses(own_hospital, "tech1", token, "/studies") == {401}
    assert password.get("/studies").status_code == 401
    assert own_hospital.cli("user", "enable", "tech1").returncode == 0
    assert _statuses(own_hospital, "tech1", token, "/studies") == {200}


def test_a_revoked_token_is_refused_at_the_next_request_by_every_worker(
    own_hospital: RunningHospital,
) -> None:
    issued = _token(own_hospital, "rad1")
    assert _statuses(own_hospital, "rad1", issued["token"], "/studies") == {200}
    assert own_hospital.cli("token", "revoke", issued["token_id"]).returncode == 0
    assert _statuses(own_hospital, "rad1", issued["token"], "/studies") == {401}


def test_a_grant_counts_from_the_moment_it_is_made_until_the_moment_it_is_revoked(
    own_hospital: RunningHospital,
) -> None:
    # Not recorded by the canaries: what they know is the oracle, which does not know of the grant.
    def ask(path: str) -> set[int]:
        auth = ("rad1", own_hospital.passwords["rad1"])
        url = own_hospital.dicomweb + path
        return {requests.get(url, auth=auth, timeout=30).status_code for _ in range(REQUESTS)}

    study = own_hospital.study("S2")
    granting = ["grant", "add", "--user", "rad1", "--study", own_hospital.studies["S2"].study_instance_uid]
    made = own_hospital.cli(*granting, "--action", "search", "--action", "view", "--json")
    assert ask(f"{study}/metadata") == {200}
    assert ask(study) == {403}
    grant = json.loads(made.stdout)["grant_id"]
    assert own_hospital.cli("grant", "revoke", grant).returncode == 0
    assert ask(f"{study}/metadata") == {404}
    assert found(own_hospital, "rad1") == {"S1"}


def test_a_role_taken_away_is_gone_at_the_next_request(own_hospital: RunningHospital) -> None:
    token, study = _token(own_hospital, "stud1")["token"], own_hospital.study("S5")
    assert own_hospital.cli("user", "groups", "stud1").returncode == 0
    assert _statuses(own_hospital, "stud1", token, study) == {403}
    assert own_hospital.cli("user", "groups", "stud1", "students").returncode == 0
    assert _statuses(own_hospital, "stud1", token, study) == {200}


@pytest.fixture(scope="module")
def large_study(own_hospital: RunningHospital) -> str:
    """The path of a study that no buffer between the gate and its client can hold."""
    uid = generate_uid()
    for _ in range(LARGE_OBJECTS):
        image = another(own_hospital.objects["S2"][0], StudyInstanceUID=uid)
        image.Rows, image.Columns, image.PixelData = 4096, 2048, bytes(LARGE_BYTES)
        assert stow(own_hospital, "CT1", "/studies", image).status_code == 200
    return f"/studies/{uid}"


@pytest.mark.parametrize(
    ("accept", "revocation"),
    [('multipart/related; type="application/dicom"', "user"), ("application/zip", "policy")],
)
def test_a_running_stream_ends_within_two_seconds(
    own_hospital: RunningHospital, large_study: str, accept: str, revocation: str
) -> None:
    policy = own_hospital.policy.read_text("utf-8")
    address = urlsplit(own_hospital.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        token = _token(own_hospital, "chief1")["token"]
        head = (
            f"GET /dicom-web{large_study} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n"
            f"Accept: {accept}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        connection.sendall(head.encode("ascii"))
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        if revocation == "user":
            assert own_hospital.cli("user", "disable", "chief1").returncode == 0
        else:
            own_hospital.policy.write_text(policy.replace("rules:\n", CLOSED, 1), "utf-8")
        try:
            received = _read_slowly(connection, RELOAD_SECONDS + STREAM_SECONDS) + _read_slowly(connection, 0)
        finally:
            own_hospital.policy.write_text(policy, "utf-8")
            own_hospital.cli("user", "enable", "chief1")
    assert received < LARGE_OBJECTS * LARGE_BYTES / 2


def _read_slowly(connection: socket.socket, seconds: float) -> int:
    """Read for some seconds as a slow client does, or with 0 as fast as it goes; the bytes received."""
    received, until = 0, time.monotonic() + seconds
    while seconds == 0 or time.monotonic() < until:
        try:
            data = connection.recv(64 * 1024)
        except ConnectionResetError:
            break
        if not data:
            break
        received += len(data)
        time.sleep(0.02 if seconds else 0)
    return received
