"""nginx, Traefik and Envoy ask the gate and fetch from Orthanc what is safe unseen; started with the files of `deploy/`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.fronts import running_front
from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.hospital import RecordingSession
from tests.support.ports import free_port

pytestmark = pytest.mark.server("orthanc")

FRONTS = (
    pytest.param("nginx", marks=pytest.mark.server("nginx")),
    pytest.param("traefik", marks=pytest.mark.long),
    pytest.param("envoy", marks=pytest.mark.long),
)
RESTRICTED = ("rad1", "rad2", "ref1", "clerk1", "stud1", "res1", "tech1", "admin1")


@dataclass(frozen=True)
class Front:
    """A proxy in front of a guarded Orthanc."""

    url: str
    guarded: GuardedOrthanc

    def client(self, persona: str | None) -> RecordingSession:
        password = None if persona is None else self.guarded.hospital.passwords[persona]
        return RecordingSession(self.url, persona, password, self.guarded.hospital.recorder)

    def gate(self, persona: str | None) -> RecordingSession:
        password = None if persona is None else self.guarded.hospital.passwords[persona]
        return RecordingSession(self.guarded.hospital.url, persona, password, self.guarded.hospital.recorder)


@pytest.fixture(scope="module", params=FRONTS)
def front(
    guarded_orthanc: GuardedOrthanc,
    enforcement_point: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    directory: Path = tmp_path_factory.mktemp(request.param)
    gate, orthanc = guarded_orthanc.hospital.url, guarded_orthanc.orthanc
    with running_front(request.param, directory, gate, orthanc, enforcement_point) as url:
        yield Front(url, guarded_orthanc)


def by_the_gate(response: requests.Response) -> bool:
    """Whether the gate itself gave an answer: each of its answers has a request id, and Orthanc's have none."""
    return "x-request-id" in response.headers


def test_who_may_see_everything_gets_lists_and_objects_from_orthanc(front: Front) -> None:
    chief, guarded = front.client("chief1"), front.guarded
    study, instance = guarded.study("S1"), guarded.instance("S1")
    for path in (
        "/studies",
        f"/studies/{study}",
        f"/instances/{instance}/file",
        f"/instances/{instance}/simplified-tags",
    ):
        answer = chief.get(f"/orthanc{path}")
        assert answer.status_code == 200, path
        assert not by_the_gate(answer), path
        assert answer.content == guarded.orthanc.request("GET", path).content
    found = chief.get("/dicom-web/studies")
    assert found.status_code == 200
    assert not by_the_gate(found)


def test_who_may_see_a_part_gets_an_instance_from_orthanc_and_lists_from_the_gate(front: Front) -> None:
    rad1, gate, guarded = front.client("rad1"), front.gate("rad1"), front.guarded
    instance = guarded.instance("S1")
    answer = rad1.get(f"/orthanc/instances/{instance}/file")
    assert not by_the_gate(answer)
    assert answer.content == guarded.orthanc.request("GET", f"/instances/{instance}/file").content
    uids = guarded.hospital.instance("S1")
    assert not by_the_gate(rad1.get(f"/dicom-web{uids}/metadata"))
    for path in ("/orthanc/studies", "/orthanc/patients?expand", "/dicom-web/studies"):
        answer = rad1.get(path)
        assert by_the_gate(answer), path
        assert answer.status_code == 200
        assert len(answer.json()) == len(gate.get(path).json())


@pytest.mark.parametrize("persona", RESTRICTED)
def test_nobody_who_is_restricted_lists_anything_through_a_proxy(front: Front, persona: str) -> None:
    client, guarded = front.client(persona), front.guarded
    for path in (
        "/orthanc/patients",
        "/orthanc/studies?expand",
        "/orthanc/series?since=0&limit=100",
        "/orthanc/instances",
        "/orthanc/statistics",
        "/orthanc/changes",
        f"/orthanc/patients/{guarded.patient('S1')}",
        f"/orthanc/patients/{guarded.patient('S2')}/studies",
        f"/orthanc/series/{guarded.series('S2')}/study",
        "/dicom-web/studies",
        "/dicom-web/series?Modality=CT",
        f"/dicom-web{guarded.hospital.study('S2')}/series",
    ):
        answer = client.get(path)
        if answer.status_code == 200:
            assert by_the_gate(answer), path


def test_what_is_hidden_is_hidden_through_a_proxy(front: Front) -> None:
    rad1, gate, guarded = front.client("rad1"), front.gate("rad1"), front.guarded
    for path in (
        f"/orthanc/studies/{guarded.study('S2')}",
        f"/orthanc/instances/{guarded.instance('S2')}/file",
        f"/dicom-web{guarded.hospital.study('S2')}/metadata",
        "/orthanc/studies/00000000-00000000-00000000-00000000-00000000",
    ):
        here, there = rad1.get(path), gate.get(path)
        assert (here.status_code, here.content) == (there.status_code, there.content) == (404, there.content)


def test_without_a_credential_there_is_a_challenge(front: Front) -> None:
    answer = front.client(None).get("/orthanc/studies")
    assert answer.status_code == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]
    wrong = requests.get(f"{front.url}/orthanc/studies", auth=("rad1", "wrong"), timeout=30)
    assert wrong.status_code == 401


def test_a_client_cannot_ask_in_the_name_of_the_proxy(front: Front) -> None:
    rad1, guarded = front.client("rad1"), front.guarded
    own = f"/orthanc/instances/{guarded.instance('S1')}/file"
    foreign = f"/orthanc/instances/{guarded.instance('S2')}/file"
    forgeries = (
        {"X-Original-URI": own, "X-Original-Method": "GET"},
        {"X-Forwarded-Uri": own, "X-Forwarded-Method": "GET"},
        {"X-Original-URI": own},
        {"X-Forwarded-Uri": own},
        {"Pacsgate-Enforcement-Point": "Bearer pgt_0000000000000000_" + "0" * 64},
    )
    for headers in forgeries:
        assert rad1.get(foreign, headers=headers).status_code == 404, headers
        assert rad1.get(own, headers=headers).status_code == 200, headers
    for path in ("/auth/check", f"/auth/check{own}", "/auth/orthanc/user/get-profile"):
        assert rad1.get(path).status_code == 404


def test_a_path_is_not_read_in_two_ways(front: Front) -> None:
    guarded = front.guarded
    own, foreign = guarded.instance("S1"), guarded.instance("S2")
    for path in (
        f"/orthanc/instances/{own}/%2e%2e/{foreign}/file",
        f"/orthanc/instances/{own}/../{foreign}/file",
        f"/orthanc/instances/{own}%2f..%2f{foreign}/file",
        f"/orthanc//instances/{foreign}/file",
        f"/orthanc/instances/{own}/file/../../{foreign}/file",
        f"/orthanc/instances/{own};/../{foreign}/file",
        f"/orthanc/%69nstances/{foreign}/file",
    ):
        answer = raw_get(front, "rad1", path)
        assert answer.status_code in {400, 404}, path


def test_what_changes_something_goes_to_the_gate(front: Front) -> None:
    rad1, guarded = front.client("rad1"), front.guarded
    own = f"/orthanc/instances/{guarded.instance('S1')}"
    for answer in (
        rad1.delete(own),
        rad1.put(f"{own}/metadata/5555", data=b"x"),
        rad1.post("/orthanc/tools/execute-script", data=b"print(1)"),
        rad1.get(own, headers={"X-HTTP-Method-Override": "DELETE"}),
        rad1.get(f"{own}?_method=DELETE"),
    ):
        assert answer.status_code in {400, 403, 404, 405}
        assert by_the_gate(answer)
    assert guarded.orthanc.request("GET", f"/instances/{guarded.instance('S1')}").status_code == 200


def test_what_passes_is_on_record_before_it_passes(front: Front) -> None:
    guarded = front.guarded
    front.client("rad1").get(f"/orthanc/instances/{guarded.instance('S1')}/file")
    written = guarded.hospital.cli("audit", "search", "--user", "rad1", "--json")
    assert "by way of asker" in written.stdout


@pytest.mark.parametrize("kind", FRONTS)
def test_nothing_passes_while_the_gate_is_away(
    kind: str, guarded_orthanc: GuardedOrthanc, enforcement_point: str, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with running_front(
        kind, tmp_path, away, guarded_orthanc.orthanc, enforcement_point, gate_is_there=False
    ) as url:
        for path in ("/orthanc/studies", f"/orthanc/instances/{guarded_orthanc.instance('S1')}/file"):
            chief = ("chief1", guarded_orthanc.hospital.passwords["chief1"])
            assert requests.get(url + path, auth=chief, timeout=30).status_code >= 500, path


def raw_get(front: Front, persona: str, path: str) -> requests.Response:
    """A request whose path nobody has tidied up on the way out."""
    session = front.client(persona)
    request = session.prepare_request(requests.Request("GET", front.url))
    request.url = front.url + path
    return session.send(request, timeout=30, allow_redirects=False)
