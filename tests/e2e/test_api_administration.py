"""The administration API of a gate that serves: its own documentation, carried out; and what A4 asks of it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import requests

from tests.e2e.asking import events
from tests.support.hospital import RunningHospital
from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

PAGE = Path(__file__).resolve().parents[2] / "docs" / "administration.md"
DEMAND = '\nauthentication:\n  - {permissions: ["*"], level: 2, within: 5 min}\n'


@pytest.fixture(scope="module")
def token(own_hospital: RunningHospital) -> str:
    issued = own_hospital.cli("token", "issue", "admin1", "--label", "api", "--json")
    return str(json.loads(issued.stdout)["token"])


def test_every_command_of_the_documentation_does_what_it_says(
    own_hospital: RunningHospital, token: str
) -> None:
    script = re.search(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert script is not None
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.group(1)],
        env={"GATE": own_hospital.url, "TOKEN": token, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name":"admin1"' in done.stdout
    assert '"code":' in done.stdout
    assert own_hospital.cli("user", "show", "ann").returncode != 0


def test_a4_administration_demands_a_second_factor_and_records_before_and_after(
    own_hospital: RunningHospital, token: str
) -> None:
    """Row A4."""
    api, bearer = f"{own_hospital.url}/api/v1", {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str, **options: object) -> requests.Response:
        return requests.request(method, f"{api}{path}", headers=bearer, timeout=30, **options)  # type: ignore[arg-type]

    assert ask("PATCH", "/users/rad2", json={"groups": ["night"]}).status_code == 200
    (changed,) = (
        event for event in events(own_hospital, text="rad2") if event.get("details.after") == "night"
    )
    assert (changed["actor.name"], changed["details.target"]) == ("admin1", "rad2")
    assert "radiology" in changed["details.before"]

    text = own_hospital.policy.read_text("utf-8")
    own_hospital.policy.write_text(text + DEMAND, "utf-8")
    try:
        wait_until(lambda: ask("GET", "/users").status_code == 401)
        for method, path, body in (
            ("GET", "/users", None),
            ("PATCH", "/users/rad2", {"groups": []}),
            ("PUT", "/locks/user/rad2", {"reason": "none"}),
            ("POST", "/grants", {}),
        ):
            refused = ask(method, path, json=body)
            assert (refused.status_code, refused.json()["error"]) == (401, "insufficient_user_authentication")
            assert "max_age=300" in refused.headers["WWW-Authenticate"]
        assert ask("GET", "/me").status_code == 200
    finally:
        own_hospital.policy.write_text(text, "utf-8")
