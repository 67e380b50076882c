"""The commands that ask rather than change - policy, config, audit, index status - on the demo's hospital.

Answers, exit codes (0 yes, 1 no, 2 asked wrongly), JSON that parses, and places in what is wrong.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from pacsgate.cli.demo.hospital import policy_text
from pacsgate.cli.main import app
from tests.e2e.expectations import sees, studies, visible_series
from tests.support.hospital import FurnishedHospital


@dataclass(frozen=True)
class Answered:
    """What a shell would have seen."""

    returncode: int
    stdout: str
    stderr: str


def cli(*arguments: str) -> Answered:
    """Run a command in this process: two seconds quicker than in its own."""
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answered(result.exit_code, result.stdout, result.stderr)


class Desk:
    """A command line in front of the installation."""

    def __init__(self, hospital: FurnishedHospital) -> None:
        self.config = hospital.config
        self.studies = {study.name: study for study in hospital.made.studies.values()}

    def ask(self, *arguments: str) -> Answered:
        return cli(*arguments, "-c", str(self.config))

    def uid(self, name: str) -> str:
        return self.studies[name].study_instance_uid


@pytest.fixture(scope="module")
def desk(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(furnished.copy_to(tmp_path_factory.mktemp("desk") / "gate"))


# ------------------------------------------------------------------ policy


def test_a_sound_policy_is_called_sound_and_its_weak_places_are_named() -> None:
    checked = cli("policy", "check", "src/pacsgate/cli/demo/policy.yaml")
    assert checked.returncode == 0
    assert "is sound: " in checked.stdout
    assert "researchers-see-de-identified-studies" in checked.stderr


def test_every_mistake_of_a_policy_is_named_with_its_place_and_what_was_meant(tmp_path: Path) -> None:
    wrong = tmp_path / "policy.yaml"
    text = (
        policy_text()
        .replace("study.department in", "study.departmnt in")
        .replace("effect: forbid", "effect: forbidd", 1)
    )
    wrong.write_text(text, "utf-8")
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if "departmnt" in line or "forbidd" in line
    ]
    checked = cli("policy", "check", str(wrong))
    assert checked.returncode == 1
    for number, meant in zip(lines, ("study.department", "forbid"), strict=True):
        assert any(
            line.startswith(f"policy.yaml:{number}:") and f"did you mean `{meant}`?" in line
            for line in checked.stderr.splitlines()
        ), checked.stderr
    as_json = cli("policy", "check", "--json", str(wrong))
    assert (as_json.returncode, len(json.loads(as_json.stdout)["errors"])) == (1, 2)


def test_a_policy_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    checked = cli("policy", "check", str(tmp_path / "none.yaml"))
    assert checked.returncode == 2
    assert checked.stderr.startswith("pacsgate: ")
    assert "Errno" not in checked.stderr


EXPECTATIONS = """\
tests:
  - name: a study of the department
    subject: {user: rad1, roles: [radiologist], attributes: {departments: [CT-A], clearance: 2}}
    action: view
    study: {department: CT-A, labels: []}
    expect: allow
  - name: a study of another department
    subject: {user: rad1, roles: [radiologist], attributes: {departments: [CT-A], clearance: 2}}
    action: view
    study: {department: MR-B, labels: []}
    expect: %s
"""


@pytest.mark.parametrize(("hoped", "code"), [("deny", 0), ("allow", 1)])
def test_expectations_are_met_or_the_failed_one_is_explained(
    desk: Desk, tmp_path: Path, hoped: str, code: int
) -> None:
    file = tmp_path / "expectations.yaml"
    file.write_text(EXPECTATIONS % hoped, "utf-8")
    policy = str(desk.config.parent / "policy.yaml")
    tested = cli("policy", "test", str(file), "--policy", policy)
    assert tested.returncode == code, tested.stderr + tested.stdout
    if code:
        assert "expectations.yaml:7" in tested.stdout
        assert "radiologists-read-their-department" in tested.stdout
    parsed = json.loads(cli("policy", "test", str(file), "--policy", policy, "--json").stdout)
    assert (parsed["met"], len(parsed["failed"])) == (2 - code, code)


@pytest.mark.parametrize(
    ("persona", "study", "code", "said"),
    [
        ("rad1", "S1", 0, "permitted by `radiologists-read-their-department`"),
        ("rad1", "S2", 1, "but not study.department in user.departments"),
        ("rad1", "S3", 1, "forbidden by `very-restricted-studies-need-clearance`"),
        ("tech1", "S9", 0, "forbidden by `reports-are-for-physicians`"),
        ("comp1", "S1", 1, "no-permit"),
    ],
)
def test_an_explanation_names_the_rule_that_decided_and_the_facts_it_rests_on(
    desk: Desk, persona: str, study: str, code: int, said: str
) -> None:
    explained = desk.ask("policy", "explain", persona, "view", desk.uid(study))
    assert explained.returncode == code
    assert said in explained.stdout
    parsed = json.loads(desk.ask("policy", "explain", persona, "view", desk.uid(study), "--json").stdout)
    assert parsed["allowed"] is (code == 0)
    visible = len(visible_series(persona, study)) if sees(persona, study) else 0
    assert sum(one["allowed"] for one in parsed["series"]) == visible


def test_who_can_and_what_can_agree_with_the_oracle(desk: Desk) -> None:
    for persona in ("rad1", "tech1", "stud1", "chief1"):
        found = json.loads(desk.ask("policy", "what-can", persona, "--network", "internal", "--json").stdout)
        seen = [study for study in studies() if sees(persona, study)]
        assert (found["allowed"]["view"], found["studies"]) == (len(seen), len(studies()))
    for study in ("S1", "S9"):
        rows = json.loads(desk.ask("policy", "who-can", "view", desk.uid(study), "--json").stdout)
        named = {row["name"]: row["series"] for row in rows if row["kind"] == "user"}
        assert named == {
            name: len(visible_series(name, study))
            for name in ("rad1", "tech1", "ref1", "chief1")
            if sees(name, study)
        }


def test_nobody_and_nothing_are_a_no(desk: Desk) -> None:
    nobody = desk.ask("policy", "who-can", "delete", desk.uid("S1"))
    nothing = desk.ask("policy", "what-can", "comp1")
    assert (nobody.returncode, nobody.stdout) == (1, "Nobody may.\n")
    assert (nothing.returncode, nothing.stdout) == (1, "Nothing.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("explain", "nobody", "view", "1.2.3"), 1, "no user is called `nobody`"),
        (("explain", "rad1", "view", "1.2.3"), 1, "no study `1.2.3` is in the index of `main`"),
        (("explain", "rad1", "look", "1.2.3"), 2, "'look' is not one of"),
        (("what-can", "rad1", "--archive", "other"), 2, "no archive is called `other`; there are: main"),
    ],
)
def test_questions_about_what_does_not_exist_say_what_is_missing(
    desk: Desk, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answered = desk.ask("policy", *arguments)
    assert answered.returncode == code
    assert said in answered.stderr


# ------------------------------------------------------------------ config


def test_a_sound_configuration_is_called_sound(desk: Desk) -> None:
    checked = cli("config", "check", str(desk.config))
    assert (checked.returncode, "is sound" in checked.stdout) == (0, True)
    assert json.loads(cli("config", "check", "--json", str(desk.config)).stdout)["archives"] == ["main"]


def test_every_mistake_of_a_configuration_is_named_with_its_place(desk: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "pacsgate.yaml"
    text = desk.config.read_text("utf-8").replace("workers:", "worker:").replace("port: 0", "port: 99999")
    wrong.write_text(text, "utf-8")
    checked = cli("config", "check", str(wrong))
    lines = text.splitlines()
    port = next(number for number, line in enumerate(lines, 1) if "99999" in line)
    worker = next(number for number, line in enumerate(lines, 1) if line.startswith("worker:"))
    assert checked.returncode == 2
    assert f"pacsgate.yaml:{port}:" in checked.stderr
    assert f"pacsgate.yaml:{worker}:1: unknown key `worker` (did you mean `workers`?)" in checked.stderr


@pytest.mark.parametrize("text", ["archives: [", "- a list", "", "data: \x00"])
def test_what_is_no_configuration_at_all_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    wrong = tmp_path / "pacsgate.yaml"
    wrong.write_text(text, "utf-8")
    checked = cli("config", "check", str(wrong))
    assert checked.returncode == 2
    assert "pacsgate.yaml" in checked.stderr


# ------------------------------------------------------------------ audit


def test_the_trail_can_be_read_as_lines_and_as_json(desk: Desk) -> None:
    lines = desk.ask("audit", "tail", "-n", "5").stdout.splitlines()
    assert len(lines) == 5
    entries = [
        json.loads(line) for line in desk.ask("audit", "tail", "-n", "3", "--json").stdout.splitlines()
    ]
    assert len(entries) == 3
    assert entries[-1]["kind"] == "AUDIT_LOG_USED"


def test_a_search_finds_by_kind_user_and_time(desk: Desk) -> None:
    def found(*options: str) -> list[dict[str, object]]:
        answered = desk.ask("audit", "search", "--json", *options)
        assert answered.returncode == 0, answered.stderr
        return [json.loads(line) for line in answered.stdout.splitlines()]

    added = found("--kind", "user-changed")
    assert {entry["details.target"] for entry in added} >= {"rad1", "CT1"}
    assert found("--kind", "user-changed", "--until", "2020-01-01") == []
    assert len(found("--kind", "user-changed", "--since", "2h")) == len(added)
    assert found("--user", "nobody-at-all") == []
    about_rad1 = found("--kind", "user-changed", "--text", "rad1")
    assert {entry["details.target"] for entry in about_rad1} == {"rad1", "mgr1"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kind", "nope"), "there are: application-started"),
        (("--since", "yesterday"), "`yesterday` is no point in time"),
    ],
)
def test_a_search_that_makes_no_sense_is_wrong_usage(desk: Desk, options: tuple[str, ...], said: str) -> None:
    answered = desk.ask("audit", "search", *options)
    assert answered.returncode == 2
    assert said in answered.stderr


def test_an_export_is_every_event_once_in_either_form_and_overwrites_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    before = len(desk.ask("audit", "search", "--json").stdout.splitlines())
    as_json = desk.ask("audit", "export").stdout.splitlines()
    assert len(as_json) == before + 1
    assert all(json.loads(line) for line in as_json)
    as_xml = desk.ask("audit", "export", "--format", "dicom-xml").stdout.splitlines()
    assert {ET.fromstring(line).tag for line in as_xml} == {"AuditMessage"}  # noqa: S314 - made by ourselves
    file = tmp_path / "trail.json"
    assert desk.ask("audit", "export", "-o", str(file)).returncode == 0
    assert len(file.read_bytes().splitlines()) == len(as_xml) + 1
    again = desk.ask("audit", "export", "-o", str(file))
    assert again.returncode == 2
    assert again.stderr == f"pacsgate: cannot write `{file}`: File exists\n"


def test_an_untouched_trail_verifies_and_a_changed_one_names_the_record(
    furnished: FurnishedHospital, tmp_path: Path
) -> None:
    desk = Desk(furnished.copy_to(tmp_path / "gate"))
    assert desk.ask("audit", "verify").stdout.startswith("intact: ")
    assert json.loads(desk.ask("audit", "verify", "--json").stdout)["intact"] is True
    segment = max(
        (desk.config.parent / "data" / "trail").rglob("*.jsonl"), key=lambda path: path.stat().st_size
    )
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([lines[0], lines[1].replace(b"20", b"19", 1), *lines[2:]]))
    verified = desk.ask("audit", "verify")
    assert verified.returncode == 1
    assert "CHANGED" in verified.stdout
    assert f"{segment.stem}: record 1" in verified.stdout or f"{segment.stem}: record 2" in verified.stdout
    parsed = json.loads(desk.ask("audit", "verify", "--json").stdout)
    assert parsed["intact"] is False
    assert parsed["faults"][0]["segment"] == segment.stem


# ------------------------------------------------------------------ index


def test_the_index_tells_what_it_holds(desk: Desk) -> None:
    shown = desk.ask("index", "status").stdout
    assert shown.split() == [
        *("archive", "studies", "series", "instances", "sync", "feed", "undecided"),
        "main",
        "13",
        "24",
        "50",
        "complete",
        "-",
        "0",
    ]
    synced = desk.ask("index", "sync", "--json")
    assert json.loads(synced.stdout) == {"indexed": {"main": 50}}
    assert desk.ask("index", "sync", "--archive", "other").returncode == 2
