"""`/auth/check` as a proxy asks it: 200 for what is safe unseen, 401 without a credential, 403 `needs-gate` for the rest."""

from dataclasses import dataclass

import pytest
import requests

from pacsgate.audit.events import EventKind
from tests.e2e.asking import events
from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = pytest.mark.server("orthanc")

NEEDS_GATE = {"error": "needs-gate", "message": "this must go through the gate itself"}


@dataclass(frozen=True)
class Proxy:
    """An enforcement point."""

    guarded: GuardedOrthanc
    token: str | None

    def asks(self, persona: str | None, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask as nginx does."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            named.setdefault("Pacsgate-Enforcement-Point", f"Bearer {self.token}")
        question = {"X-Original-Method": method, "X-Original-URI": path, **named}
        auth = None if persona is None else (persona, self.guarded.hospital.passwords[persona])
        return requests.get(
            f"{self.guarded.hospital.url}/auth/check", headers=question, auth=auth, timeout=30
        )

    def passes(self, persona: str, path: str, method: str = "GET", **headers: str) -> bool:
        answer = self.asks(persona, path, method, **headers)
        assert answer.status_code in {200, 403}
        assert answer.status_code == 200 or answer.json() == NEEDS_GATE
        return answer.status_code == 200


@pytest.fixture(scope="module")
def proxy(guarded_orthanc: GuardedOrthanc, enforcement_point: str) -> Proxy:
    return Proxy(guarded_orthanc, enforcement_point)


def test_objects_and_lists_pass_for_whom_they_are_whole(proxy: Proxy) -> None:
    own, web = proxy.guarded.instance("S1"), proxy.guarded.hospital.instance("S1")
    for path in (
        f"/orthanc/instances/{own}",
        f"/orthanc/instances/{own}/file",
        f"/orthanc/instances/{own}/preview?returnUnsupportedImage",
        f"/orthanc/instances/{own}/simplified-tags?_=1700000000000",
        f"/orthanc/studies/{proxy.guarded.study('S1')}",
        f"/orthanc/series/{proxy.guarded.series('S1')}/shared-tags",
        f"/archives/main/orthanc/instances/{own}/file",
        f"/dicom-web{web}",
        f"/orthanc/dicom-web{web}/metadata",
        f"/dicom-web{web}/rendered?viewport=64,64",
        "/orthanc/app/explorer.html",
    ):
        assert proxy.passes("rad1", path), path
        assert proxy.passes("rad1", path, "HEAD"), path
        assert proxy.passes("chief1", path), path
    for path in (
        "/orthanc/studies",
        "/orthanc/patients?expand&since=0&limit=5",
        "/dicom-web/series?Modality=CT",
    ):
        assert proxy.passes("chief1", path), path
        assert not proxy.passes("rad1", path), path


@pytest.mark.parametrize(
    "path",
    [
        "/orthanc/instances/{foreign}/file",
        "/orthanc/patients/{patient}",
        "/orthanc/instances/{own}/patient",
        "/orthanc/studies/{study}/archive",
        "/orthanc/instances/{own}/file?_method=DELETE",
        "/orthanc/instances/{own}/file?unknown=1",
        "/orthanc/instances/{own}/file/",
        "/orthanc/%69nstances/{own}/file",
        "/orthanc/instances/{own}/./file",
        "/orthanc//instances/{own}/file",
        "/orthanc/instances/{own}/../{own}/file",
        "/orthanc/instances/{own}/nothing",
        "/orthanc/studies/{own}",
        "/orthanc/instances/0",
        "/orthanc/system",
        "/orthanc/changes",
        "/orthanc/jobs",
        "/",
        "/healthz",
        "/auth/check",
        "/archives/another/orthanc/instances/{own}/file",
        "/dicom-web/?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3",
        "http://orthanc/instances/{own}/file",
    ],
)
def test_everything_else_needs_the_gate(proxy: Proxy, path: str) -> None:
    guarded = proxy.guarded
    names = {
        "own": guarded.instance("S1"),
        "foreign": guarded.instance("S2"),
        "study": guarded.study("S1"),
        "patient": guarded.patient("S1"),
    }
    assert not proxy.passes("rad1", path.format(**names))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", ""])
def test_only_reading_passes(proxy: Proxy, method: str) -> None:
    assert not proxy.passes("chief1", f"/orthanc/instances/{proxy.guarded.instance('S1')}", method)


def test_a_header_that_makes_another_request_of_it_needs_the_gate(proxy: Proxy) -> None:
    path = f"/orthanc/instances/{proxy.guarded.instance('S1')}"
    assert not proxy.passes("chief1", path, X_HTTP_Method_Override="DELETE")
    web = f"/dicom-web{proxy.guarded.hospital.study('S1')}"
    assert proxy.passes("chief1", web, Accept="multipart/related; type=application/dicom")
    assert not proxy.passes("chief1", web, Accept="application/zip")


def test_a_question_that_is_put_in_two_ways_is_not_answered(proxy: Proxy) -> None:
    path = f"/orthanc/instances/{proxy.guarded.instance('S1')}"
    assert not proxy.passes("chief1", path, X_Forwarded_Uri=path)
    assert not proxy.passes("chief1", path, X_Forwarded_Method="GET")


def test_what_is_masked_or_partly_hidden_needs_the_gate(proxy: Proxy) -> None:
    """A clerk finds studies without the patient's name; a student does not see the report in a teaching case."""
    guarded = proxy.guarded
    for persona in ("clerk1", "stud1", "res1", "admin1"):
        for name in ("S1", "S5"):
            for path in (f"/orthanc/studies/{guarded.study(name)}", "/orthanc/studies", "/dicom-web/studies"):
                assert not proxy.passes(persona, path), (persona, path)
    assert proxy.passes("stud1", f"/orthanc/instances/{guarded.instance('S5')}/file")
    assert not proxy.passes("stud1", f"/orthanc/series/{guarded.series('S5')}")


def test_who_shows_no_credential_or_a_bad_one_is_challenged(proxy: Proxy) -> None:
    for answer in (
        proxy.asks(None, "/orthanc/studies"),
        proxy.asks(None, "/orthanc/studies", Authorization="Bearer nonsense"),
        proxy.asks(None, "/nothing"),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_scripts_are_challenged_as_at_each_door(proxy: Proxy) -> None:
    for path, scheme in (("/orthanc/studies", "Basic"), ("/dicom-web/studies", "Bearer")):
        script = {"Sec-Fetch-Mode": "cors"}
        here = proxy.asks(None, path, **script)
        there = requests.get(proxy.guarded.hospital.url + path, headers=script, timeout=30)
        assert here.headers["WWW-Authenticate"] == there.headers["WWW-Authenticate"]
        assert here.headers["WWW-Authenticate"].startswith(scheme)


def test_nobody_but_an_enforcement_point_may_ask(proxy: Proxy) -> None:
    path = f"/orthanc/instances/{proxy.guarded.instance('S1')}"
    chief = requests.auth._basic_auth_str("chief1", proxy.guarded.hospital.passwords["chief1"])
    for point in (None, "", "Bearer nonsense", f"Bearer pgt_{16 * '0'}_{64 * '0'}", chief):
        asker = Proxy(proxy.guarded, None)
        headers = {} if point is None else {"Pacsgate_Enforcement_Point": point}
        answer = asker.asks("chief1", path, **headers)
        assert answer.status_code == 403
        assert answer.json() == {"error": "only an enforcement point may ask this"}


def test_the_enforcement_point_itself_may_see_nothing(proxy: Proxy) -> None:
    answer = proxy.asks(None, "/orthanc/studies", Authorization=f"Bearer {proxy.token}")
    assert answer.json() == NEEDS_GATE


def test_what_passes_and_what_needs_the_gate_are_on_record(proxy: Proxy) -> None:
    own, foreign = proxy.guarded.instance("S2"), proxy.guarded.instance("S1")
    assert proxy.passes("rad2", f"/orthanc/instances/{own}/file")
    assert not proxy.passes("rad2", f"/orthanc/instances/{foreign}/file")
    hospital = proxy.guarded.hospital
    passed = events(hospital, kind=EventKind.INSTANCES_TRANSFERRED, user="rad2")
    assert [event for event in passed if event.get("recipient") == "by way of asker"]
    asked = events(hospital, kind=EventKind.EVALUATED, user="asker")
    assert [event for event in asked if "rad2" in str(event) and "needs-gate" in str(event)]
