"""`permissions.json` of orthanc-auth-service in front of Orthanc: labels decide, at every door and for every request."""

from collections.abc import Iterator

import pytest
import requests

from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, govern, opened_guarded
from tests.support.orthanc_auth_files import SOURCES

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc"), pytest.mark.timeout(300)]

PASSWORD = "not-in-any-guide-8"
ROLES = ("admin-role", "doctor-role", "partner", "looker", "labeller")
POLICY = "version: 1\nassignments:\n" + "".join(
    f"  - {{users: [{role}], roles: ['orthanc-auth:{role}']}}\n" for role in ROLES
)


@pytest.fixture(scope="module")
def guarded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("orthanc-auth"))
    govern(furnished, SOURCES, dict.fromkeys(ROLES, PASSWORD), policy=POLICY)
    with opened_guarded(furnished) as running:
        for study, label in (("S1", "trial-7"), ("S2", "trial-8")):
            uid = running.hospital.studies[study].study_instance_uid
            given = running.hospital.cli("study", "label", "--add", label, uid)
            assert given.returncode == 0, given.stderr
        yield running


def ask(guarded: GuardedOrthanc, user: str, request: str, **options: object) -> requests.Response:
    # Not recorded by the canaries: what they know is the oracle, which knows of no such user.
    method, _, path = request.partition(" ")
    return requests.request(method, guarded.mounted + path, auth=(user, PASSWORD), timeout=30, **options)


@pytest.mark.parametrize(
    ("user", "sees"),
    [("partner", {"S1", "S2"}), ("looker", {"S1"}), ("labeller", {"S2"}), ("doctor-role", None)],
)
def test_a_role_sees_the_studies_of_its_labels(
    guarded: GuardedOrthanc, user: str, sees: set[str] | None
) -> None:
    expected = {guarded.study(name) for name in guarded.hospital.studies if sees is None or name in sees}
    assert set(ask(guarded, user, "GET /studies").json()) == expected
    query = {"Level": "Study", "Query": {}}
    assert set(ask(guarded, user, "POST /tools/find", json=query).json()) == expected
    for name in guarded.hospital.studies:
        status = ask(guarded, user, f"GET /studies/{guarded.study(name)}").status_code
        assert status == (200 if guarded.study(name) in expected else 404), name


def test_a_permission_is_held_on_its_own_requests(guarded: GuardedOrthanc) -> None:
    mine, file = guarded.study("S2"), f"GET /instances/{guarded.instance('S1')}/file"
    assert ask(guarded, "looker", file).status_code == 403
    assert ask(guarded, "partner", file).status_code == 200
    assert ask(guarded, "labeller", f"PUT /studies/{mine}/labels/seen").status_code == 200
    assert ask(guarded, "labeller", f"PUT /studies/{guarded.study('S1')}/labels/seen").status_code == 404
    assert ask(guarded, "labeller", f"POST /studies/{mine}/modify", json={}).status_code == 403
    assert ask(guarded, "labeller", f"DELETE /studies/{mine}").status_code == 403


def test_the_server_itself_is_for_those_who_had_it(guarded: GuardedOrthanc) -> None:
    assert ask(guarded, "partner", "GET /queries").status_code == 200
    assert ask(guarded, "doctor-role", "GET /queries").status_code == 403
    for user in ROLES:
        assert ask(guarded, user, "PUT /tools/log-level", data="verbose").status_code == 403
        assert ask(guarded, user, "POST /tools/shutdown").status_code == 403
