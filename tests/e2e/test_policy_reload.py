"""Acceptance check X5: the policy file is live within two seconds of a save, and a broken one never loosens anything."""

import os

import pytest
import requests

from pacsgate.audit.events import EventKind
from tests.e2e.asking import PATIENCE_SECONDS, events, found, live_in_time, within
from tests.support.hospital import FurnishedHospital, RunningHospital, cli, cli_here, opened, serving

BROKEN = "version: 1\nrules:\n  - id: everybody\n    efect: permit\n    roles: [radiologist]\n"


def _ready(url: str) -> int:
    return requests.get(f"{url}/readyz", timeout=10).status_code


def test_x5_a_saved_change_decides_within_two_seconds(own_hospital: RunningHospital) -> None:
    before = own_hospital.policy.read_text("utf-8")
    try:
        own_hospital.policy.write_text(
            before.replace("study.department in user.departments", "study.department == 'MR-B'"), "utf-8"
        )
        assert live_in_time(lambda: found(own_hospital, "rad1") == {"S2", "S4"})
        assert own_hospital.client("rad1").get(f"{own_hospital.study('S1')}/metadata").status_code == 404
        # As editors save: another file is renamed over the old one.
        aside = own_hospital.policy.with_suffix(".new")
        aside.write_text(before, "utf-8")
        aside.replace(own_hospital.policy)
        assert live_in_time(lambda: found(own_hospital, "rad1") == {"S1"})
    finally:
        own_hospital.policy.write_text(before, "utf-8")
    assert within(PATIENCE_SECONDS, lambda: found(own_hospital, "rad1") == {"S1"})


@pytest.mark.parametrize("damage", ["broken", "not yaml", "empty", "gone", "not text"])
def test_x5_a_broken_file_leaves_the_last_good_revision_live_and_says_so(
    own_hospital: RunningHospital, damage: str
) -> None:
    policy, before = own_hospital.policy, own_hospital.policy.read_text("utf-8")
    try:
        match damage:
            case "broken":
                policy.write_text(BROKEN, "utf-8")
            case "not yaml":
                policy.write_text("rules: [", "utf-8")
            case "empty":
                policy.write_text("", "utf-8")
            case "gone":
                policy.unlink()
            case "not text":
                policy.write_bytes(os.urandom(64) + b"\xff\xfe\x00")
        assert live_in_time(lambda: _ready(own_hospital.url) == 503)
        assert found(own_hospital, "rad1") == {"S1"}
        assert found(own_hospital, "rad2") == {"S2", "S4"}
        told = cli_here("config", "check", str(own_hospital.config))
        assert told.returncode != 0
        assert str(policy) in told.stderr or "policy.yaml:" in told.stderr
    finally:
        policy.write_text(before, "utf-8")
    assert within(PATIENCE_SECONDS, lambda: _ready(own_hospital.url) == 200)


def test_x5_the_refusal_names_every_problem_with_its_place(own_hospital: RunningHospital) -> None:
    policy, before = own_hospital.policy, own_hospital.policy.read_text("utf-8")
    try:
        policy.write_text(BROKEN, "utf-8")
        assert live_in_time(lambda: _ready(own_hospital.url) == 503)
        checked = cli_here("policy", "check", str(policy))
        assert checked.returncode == 1
        said = checked.stdout + checked.stderr
        assert "policy.yaml:4:5" in said
        assert "did you mean `effect`?" in said
        assert "radiologist" in said
        assert "policy.yaml:4:5" in own_hospital.log.read_text("utf-8")
        refused = [e for e in events(own_hospital, kind=EventKind.POLICY_CHANGED) if e["outcome"] == 8]
        assert "policy.yaml:4:5" in refused[-1]["details.first"]
    finally:
        policy.write_text(before, "utf-8")
    assert within(PATIENCE_SECONDS, lambda: _ready(own_hospital.url) == 200)


@pytest.mark.long
def test_x5_a_restart_with_a_broken_file_serves_the_last_good_revision(
    furnished: FurnishedHospital, tmp_path
) -> None:
    with opened(furnished.copy_to(tmp_path / "gate")) as hospital:
        assert found(hospital, "rad1") == {"S1"}
    hospital.policy.write_text(BROKEN, "utf-8")
    with serving(hospital.config) as (url, _, _):
        auth = ("rad1", hospital.passwords["rad1"])
        rows = requests.get(f"{url}/dicom-web/studies", auth=auth, timeout=30).json()
        assert [row["0020000D"]["Value"][0] for row in rows] == [hospital.studies["S1"].study_instance_uid]
        assert _ready(url) == 503


@pytest.mark.long
def test_x5_an_installation_that_never_had_a_policy_does_not_start_with_a_broken_one(tmp_path) -> None:
    assert cli("init", str(tmp_path / "gate")).returncode == 0
    (tmp_path / "gate" / "policy.yaml").write_text(BROKEN, "utf-8")
    refused = cli("serve", "-c", str(tmp_path / "gate" / "pacsgate.yaml"))
    assert refused.returncode == 2
    assert "policy.yaml:4:5" in refused.stderr
    assert "pacsgate serves" not in refused.stdout
