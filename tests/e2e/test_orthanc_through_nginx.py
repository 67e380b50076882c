"""nginx in front of the gate sends whole objects itself; started with the file of `deploy/`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.support.fronts import running_accel
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.hospital import RecordingSession

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.server("nginx"), pytest.mark.long]

DIRECT = "127.0.0.2"
"""An address of this machine that the gate does not trust."""


class From(HTTPAdapter):
    """Connects from one address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self._address, 0), **options)


@dataclass(frozen=True)
class Offloaded:
    """A guarded Orthanc whose objects nginx sends."""

    url: str
    guarded: GuardedOrthanc

    def client(self, persona: str | None, root: str = "/orthanc") -> RecordingSession:
        password = None if persona is None else self.guarded.hospital.passwords[persona]
        return RecordingSession(self.url + root, persona, password, self.guarded.hospital.recorder)


@pytest.fixture(scope="module")
def offloaded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Offloaded]:
    directory = tmp_path_factory.mktemp("offloaded")
    furnished = furnished_orthanc.copy_to(directory)
    text = furnished.gate.config.read_text("utf-8")
    offload = "    kind: orthanc\n    offload: {kind: nginx, location: /_orthanc/}\n"
    furnished.gate.config.write_text(
        text.replace("    kind: orthanc\n", offload) + "trusted_proxies: [127.0.0.1/32]\n", "utf-8"
    )
    with (
        opened_guarded(furnished) as guarded,
        running_accel(directory / "nginx", guarded.hospital.url, guarded.orthanc) as url,
    ):
        yield Offloaded(url, guarded)


def straight(offloaded: Offloaded, path: str) -> bytes:
    return offloaded.guarded.orthanc.request("GET", path, headers={"Accept-Encoding": "identity"}).content


def test_an_object_and_a_picture_come_as_orthanc_has_them(offloaded: Offloaded) -> None:
    chief, instance = offloaded.client("chief1"), offloaded.guarded.instance("S1")
    file = chief.get(f"/instances/{instance}/file")
    assert file.content == straight(offloaded, f"/instances/{instance}/file")
    assert file.headers["Content-Type"] == "application/dicom"
    assert file.headers["Content-Disposition"] == f'filename="{instance}.dcm"'
    for path in (f"/instances/{instance}/preview", f"/instances/{instance}/rendered?width=32"):
        picture = chief.get(path)
        assert picture.content == straight(offloaded, path)
        assert picture.headers["Content-Type"] == "image/png"
    jpeg = chief.get(f"/instances/{instance}/preview", headers={"Accept": "image/jpeg"})
    assert jpeg.content.startswith(b"\xff\xd8")


def test_dicomweb_hands_over_the_single_object_and_sends_everything_else_itself(offloaded: Offloaded) -> None:
    guarded = offloaded.guarded
    study = guarded.hospital.studies["S1"]
    uid, series = study.study_instance_uid, study.series_instance_uid(1)
    path = f"/studies/{uid}/series/{series}/instances/{study.sop_instance_uid(1, 1)}"
    chief = offloaded.client("chief1", "/dicom-web")
    single = chief.get(path, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert single.content == straight(offloaded, f"/instances/{guarded.instance('S1')}/file")
    parts = chief.get(
        path, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    )
    assert single.content in parts.content


def test_it_was_nginx_that_sent_it_and_the_record_says_so(offloaded: Offloaded) -> None:
    guarded = offloaded.guarded
    instance, hospital = guarded.instance("S2"), guarded.hospital
    assert offloaded.client("chief1").get(f"/instances/{instance}/file").status_code == 200
    bare = hospital.client("chief1").get(f"{hospital.url}/orthanc/instances/{instance}/file")
    assert bare.headers["X-Accel-Redirect"] == f"/_orthanc/instances/{instance}/file"
    assert bare.content == b""
    study = hospital.studies["S2"].study_instance_uid
    found = events(hospital, study_instance_uid=study, kind=EventKind.INSTANCES_TRANSFERRED)
    assert found, "the opening is durable before nginx is told"


def test_what_is_hidden_missing_or_asked_by_nobody_is_answered_by_the_gate(offloaded: Offloaded) -> None:
    hidden = offloaded.guarded.instance("S3")
    client, nobody = offloaded.client("rad1"), offloaded.client(None)
    for tail in ("file", "preview"):
        answers = [client.get(f"/instances/{name}/{tail}") for name in (hidden, hidden[::-1])]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        assert nobody.get(f"/instances/{hidden}/{tail}").status_code == 401
    assert client.get(f"/instances/{hidden}/tags").status_code == 404


def test_nobody_reaches_the_internal_location(offloaded: Offloaded) -> None:
    instance = offloaded.guarded.instance("S3")
    for persona in (None, "rad1", "chief1"):
        client = offloaded.client(persona, "")
        for path in (
            f"/_orthanc/instances/{instance}/file", "/_orthanc/studies", "//_orthanc/studies",
            "/%5forthanc/studies", "/x/../_orthanc/studies", "/dicom-web/../_orthanc/studies",
        ):  # fmt: skip
            answer = client.get(path, headers={"X-Accel-Redirect": "/_orthanc/studies"})
            assert answer.status_code in {400, 401, 404}, path
            assert "Orthanc" not in answer.headers.get("Server", "")


def test_a_client_that_is_no_proxy_gets_its_bytes_from_the_gate(offloaded: Offloaded) -> None:
    client, instance = offloaded.guarded.client("chief1"), offloaded.guarded.instance("S1")
    client.mount("http://", From(DIRECT))
    answer = client.get(f"/instances/{instance}/file")
    assert answer.content == straight(offloaded, f"/instances/{instance}/file")
    assert "X-Accel-Redirect" not in answer.headers
