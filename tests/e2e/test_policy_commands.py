"""What a policy does and what a change of it would do, asked at the command line of the demo's hospital."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pacsgate.cli.demo.hospital import policy_text
from pacsgate.cli.main import app
from tests.e2e.expectations import sees, studies
from tests.support.hospital import FurnishedHospital

WIDE = policy_text().replace("    when: study.department in user.departments\n", "")
"""Radiologists read whatever their clearance lets them."""


class Desk:
    """A command line in front of an installation in which a change of more than 20 accesses needs two people."""

    def __init__(self, hospital: FurnishedHospital) -> None:
        self.config = hospital.config
        self.policy = hospital.config.parent / "policy.yaml"
        self.passwords = hospital.passwords
        self.studies = {study.name: study.study_instance_uid for study in hospital.made.studies.values()}
        with self.config.open("a", encoding="utf-8") as file:
            file.write("approval_threshold: 20\n")

    def ask(self, *arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["policy", *arguments, "-c", str(self.config)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def desk(furnished: FurnishedHospital, tmp_path: Path) -> Desk:
    return Desk(furnished.copy_to(tmp_path / "gate"))


def offline(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["policy", *arguments])
    return result.exit_code, result.stdout, result.stderr


def gained_by_radiologists() -> int:
    """Studies that the three radiologists do not see and have the clearance for, in all their actions."""
    clearance = {"rad1": 2, "rad2": 2, "rad3": 1}
    needed = {"V": 3, "R": 2}
    labels = {study.name: study.labels for study in _demo_studies()}
    gained = [
        (radiologist, study)
        for radiologist, level in clearance.items()
        for study in studies()
        if not sees(radiologist, study) and all(needed.get(label, 0) <= level for label in labels[study])
    ]
    return 5 * len(gained)  # search, view, retrieve, annotate, share


def _demo_studies():
    from pacsgate.cli.demo.hospital import studies as demo_studies  # noqa: PLC0415 - the name is taken above

    return demo_studies()


def test_a_diff_counts_users_times_studies_and_names_the_rule(desk: Desk, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(WIDE, "utf-8")
    code, out, _ = desk.ask("diff", "live", str(new), "--json")
    found = json.loads(out)
    assert (code, found["differs"], found["lost"]) == (1, True, 0)
    assert found["gained"] == gained_by_radiologists()
    assert [row["rule"] for row in found["rules"]] == ["radiologists-read-their-department"]
    assert {row["action"] for row in found["actions"]} == {"search", "view", "retrieve", "annotate", "share"}
    for example in found["examples"]:
        assert set(example["examples"]) <= set(desk.studies.values())
    code, out, _ = desk.ask("diff", str(new), str(new))
    assert (code, "nobody gains or loses anything" in out) == (0, True)


def test_a_diff_of_files_needs_no_installation_but_says_what_it_counted(tmp_path: Path) -> None:
    for name, text in (("old.yaml", policy_text()), ("new.yaml", WIDE)):
        (tmp_path / name).write_text(text, "utf-8")
    examples = tmp_path / "examples.yaml"
    subject = "{user: rad1, roles: [radiologist], attributes: {departments: [CT-A], clearance: 2}}"
    examples.write_text(
        "tests:\n"
        f"  - {{name: own, subject: {subject}, action: view, study: {{department: CT-A, labels: []}}, expect: allow}}\n"
        f"  - {{name: other, subject: {subject}, action: view, study: {{department: MR-B, labels: []}}, expect: deny}}\n",
        "utf-8",
    )
    files = str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")
    code, out, _ = offline("diff", *files, "--examples", str(examples))
    assert code == 1
    assert "5 accesses gained, 0 lost" in out
    assert "how many real studies that is, only an index can say" in out
    code, _, err = offline("diff", *files, "--config", str(tmp_path / "none.yaml"))
    assert (code, "there is no installation to count in" in err) == (2, True)


def test_a_change_that_gives_much_waits_for_a_second_person(desk: Desk) -> None:
    before = json.loads(desk.ask("publish", "--json")[1])["revision"]
    assert desk.ask("pending")[0] == 1
    desk.policy.write_text(WIDE, "utf-8")
    code, out, _ = desk.ask("publish")
    assert (code, "waits for a second approver" in out) == (1, True)
    waiting = json.loads(desk.ask("pending", "--json")[1])
    assert waiting["gained"] == gained_by_radiologists()
    _, out, _ = desk.ask("diff", "live", waiting["revision"], "--json")
    assert json.loads(out)["before"] == before
    code, _, err = desk.ask(
        "approve", waiting["revision"], "--user", "rad1", "--password-stdin", stdin=desk.passwords["rad1"]
    )
    assert (code, "PolicyPublish" in err) == (1, True)
    code, _, err = desk.ask(
        "approve", waiting["revision"], "--user", "admin1", "--password-stdin", stdin="wrong"
    )
    assert (code, "is not signed in" in err) == (1, True)
    code, out, _ = desk.ask(
        "approve",
        waiting["revision"][:6],
        "--user",
        "admin1",
        "--password-stdin",
        stdin=desk.passwords["admin1"],
    )
    assert (code, f"revision {waiting['revision']} is live" in out) == (0, True)
    assert desk.ask("explain", "rad1", "view", desk.studies["S2"])[0] == 0
    assert desk.ask("pending")[0] == 1


def test_the_policy_of_the_demo_has_only_oddities_that_it_means() -> None:
    code, out, _ = offline("lint", "src/pacsgate/cli/demo/policy.yaml", "--json")
    assert code == 0
    assert {row["oddity"] for row in json.loads(out)} == {"unbounded", "unusable"}
    assert offline("lint", "src/pacsgate/cli/demo/policy.yaml", "--strict")[0] == 1


def test_a_role_without_approval_fails_the_lint(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text().replace("    approved_by: comp1\n", "", 1), "utf-8")
    code, out, _ = offline("lint", str(file))
    assert code == 1
    assert "role `radiologist` has no `approved_by`" in out


def test_a_user_is_told_the_rules_own_sentence_and_no_rule(desk: Desk) -> None:
    code, out, _ = desk.ask("explain", "rad1", "view", desk.studies["S3"], "--for", "user")
    assert (code, out) == (1, "This study needs clearance V.\n")
    code, out, _ = desk.ask("explain", "rad1", "view", desk.studies["S2"], "--for", "user", "--json")
    assert "radiologists" not in out
    code, out, _ = desk.ask("explain", "rad1", "delete", desk.studies["S1"])
    assert "beyond the ceiling: no role of rad1 may ever delete" in out


def test_who_can_names_groups_and_roles_that_would_be_enough(desk: Desk) -> None:
    rows = json.loads(desk.ask("who-can", "view", desk.studies["S1"], "--json")[1])
    named = {(row["kind"], row["name"]) for row in rows}
    assert ("group", "heads") in named
    assert ("role", "chief-radiologist") in named
    assert all(row["by"] for row in rows)


def test_a_shadow_without_a_gate_has_compared_nothing(desk: Desk, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(WIDE, "utf-8")
    assert desk.ask("shadow", "report")[0] == 1
    assert desk.ask("shadow", str(candidate))[0] == 0
    code, out, _ = desk.ask("shadow", "report", "--json")
    assert (code, json.loads(out)["compared"]) == (0, 0)
    assert desk.ask("shadow", "off")[0] == 0


def test_what_lies_idle_of_a_role_is_reported_and_a_minimal_role_suggested(desk: Desk) -> None:
    result = CliRunner().invoke(app, ["report", "unused", "--days", "1", "--json", "-c", str(desk.config)])
    idle = {(row["role"], row["permission"]) for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert {("radiologist", "share"), ("compliance-officer", "AuditRead")} <= idle
    code, out, _ = desk.ask("suggest-minimal", "--role", "radiologist")
    assert code == 1
    assert "-    may: [annotate, retrieve, search, share, view]\n+    may: []" in out
    assert desk.ask("suggest-minimal", "--role", "nobody")[0] == 1
