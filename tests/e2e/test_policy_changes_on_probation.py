"""A gate that serves: a large change waits for a second person, and a candidate in the shadow changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pacsgate.cli.demo.hospital import policy_text
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.waiting import wait_until

NARROW = policy_text().replace(
    "\nassignments:\n",
    "  - {id: not-the-chief, effect: forbid, roles: [chief-radiologist]}\n\nassignments:\n",
)
WIDE = policy_text().replace("    when: study.department in user.departments\n", "")


@pytest.fixture(scope="module")
def gate(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    hospital = furnished.copy_to(tmp_path_factory.mktemp("probation") / "gate")
    with hospital.config.open("a", encoding="utf-8") as file:
        file.write("approval_threshold: 20\n")
    with opened(hospital) as running:
        yield running


def ready(gate: RunningHospital) -> dict[str, object]:
    answer = requests.get(f"{gate.url}/readyz", timeout=5)
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.long
def test_a_large_change_waits_and_is_obeyed_once_approved(gate: RunningHospital) -> None:
    rad1 = gate.client("rad1")
    other = gate.study("S2") + "/metadata"
    before = ready(gate)["policy"]
    gate.policy.write_text(WIDE, "utf-8")
    wait_until(lambda: ready(gate)["policy_waiting_for_approval"] is not None)
    assert ready(gate)["policy"] == before
    assert rad1.get(other).status_code == 404
    waiting = str(ready(gate)["policy_waiting_for_approval"])
    approved = gate.cli(
        "policy", "approve", waiting, "--user", "admin1", "--password-stdin", stdin=gate.passwords["admin1"]
    )
    assert approved.returncode == 0, approved.stderr
    assert ready(gate)["policy"] == waiting
    assert ready(gate)["policy_waiting_for_approval"] is None
    assert (
        gate.cli("policy", "explain", "rad1", "view", gate.studies["S2"].study_instance_uid).returncode == 0
    )


def test_a_shadow_counts_differences_and_no_answer_depends_on_it(
    gate: RunningHospital, tmp_path: Path
) -> None:
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(NARROW, "utf-8")
    assert gate.cli("policy", "shadow", str(candidate)).returncode == 0
    chief = gate.client("chief1")

    def asked_and_counted() -> bool:
        assert chief.get(gate.study("S1") + "/metadata").status_code == 200
        return gate.cli("policy", "shadow", "report").returncode == 1

    wait_until(asked_and_counted, seconds=60)
    report = json.loads(gate.cli("policy", "shadow", "report", "--json").stdout)
    (found,) = report["differences"]
    assert (found["user"], found["action"]) == ("chief1", "view")
    assert found["live"] == "all of it (permitted-by-rule:the-chief-reads-everything)"
    assert found["shadow"] == "refused (forbidden:not-the-chief)"
    assert found["newest_study"] == gate.studies["S1"].study_instance_uid
    assert gate.cli("policy", "shadow", "off").returncode == 0
