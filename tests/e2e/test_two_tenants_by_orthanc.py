"""A tenant's Orthanc, asked everything by a chief radiologist of another tenant: it does not exist, wherever it is mounted."""

from collections.abc import Iterator

import pytest

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.policies import publish_all
from pacsgate.cli.demo.hospital import policy_text
from pacsgate.cli.desk import open_desk
from pacsgate.config import read_settings
from pacsgate.model.role import Assignment
from tests.e2e.orthanc_walking import Target, request_of, rows
from tests.e2e.test_orthanc_routes_by_persona import THIN, check
from tests.e2e.walking import VARYING
from tests.support.canaries import CanaryRecorder
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded
from tests.support.hospital import RecordingSession

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc")]

PASSWORD = "the-password-of-norths-chief"
TENANTS = """\
tenants: {north: {policy: north.yaml}}
"""
ARCHIVE = "archives:\n  north-main: {kind: folder, path: north, tenant: north}\n"


@pytest.fixture(scope="module")
def guarded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("tenants"))
    config = furnished.gate.config
    (config.parent / "north.yaml").write_text(policy_text(), "utf-8")
    text = config.read_text("utf-8").replace("archives:\n", ARCHIVE, 1)
    config.write_text(text + TENANTS, "utf-8")
    with open_installation(read_settings(config), "test") as installation:
        publish_all(installation)
    with open_desk(config, "north") as desk:
        desk.users.add(desk.change(), "chief1", password=PASSWORD)
        desk.users.assign(desk.change(), "chief1", Assignment("chief-radiologist"))
    with opened_guarded(furnished) as running:
        yield running


def test_no_operation_of_anothers_orthanc_is_there(guarded: GuardedOrthanc) -> None:
    gate = guarded.hospital
    blind = CanaryRecorder(gate.recorder.carriers, lambda _persona, _canary: False)
    client = RecordingSession(gate.url, "chief1", PASSWORD, blind)
    client.auth = ("north/chief1", PASSWORD)
    roots = (
        f"{gate.url}/archives/nowhere/orthanc",
        f"{gate.url}/archives/main/orthanc",
        f"{gate.url}/orthanc",
        guarded.mounted,
    )
    answers = set()
    for route in rows():
        path, body = request_of(guarded, route, Target("S1"))
        for root in roots:
            answer = client.request(route.method, root + path, **body)
            told = tuple(
                (name, value) for name, value in answer.raw.headers.items() if name.lower() not in VARYING
            )
            answers.add((answer.status_code, told, b"" if route.method == "HEAD" else answer.content))
    assert {status for status, _, _ in answers} == {404}
    assert len(answers) == 1, answers


def test_its_own_people_find_in_it_what_is_theirs(guarded: GuardedOrthanc) -> None:
    found = guarded.client("chief1").get("/studies").json()
    assert guarded.study("S1") in found


@pytest.mark.parametrize("persona", ["chief1", "rad1", "stud1", "clerk1"])
def test_with_another_tenant_beside_them_its_people_are_answered_as_the_oracle_says(
    guarded: GuardedOrthanc, persona: str
) -> None:
    """As each operation is asked of one hospital alone: here one of so many."""
    check(guarded, persona, THIN)
