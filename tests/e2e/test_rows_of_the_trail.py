"""Acceptance checks T1, T4, T5, T6, T10 and T12: what the trail holds after people have worked, and that it cannot be changed."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import requests
from pydicom.uid import generate_uid

from pacsgate.audit.events import EventKind
from tests.e2e.asking import PATIENCE_SECONDS, another, events, found, stow, within
from tests.support.hospital import FurnishedHospital, RunningHospital, cli_here, opened


def test_t1_one_look_is_one_event_with_who_when_what_and_why(own_hospital: RunningHospital) -> None:
    study = own_hospital.studies["S4"].study_instance_uid
    answer = own_hospital.client("rad2").get(f"{own_hospital.instance('S4')}/rendered")
    assert answer.status_code == 200
    (seen,) = [
        event for event in events(own_hospital, study_instance_uid=study) if event["event.code"] == "110103"
    ]
    assert seen["actor.name"] == "rad2"
    assert seen["actor.address"] == "127.0.0.1"
    assert seen["actor.roles"] == ["radiologist"]
    assert seen["study.study_instance_uid"] == study
    assert seen["study.patient_id"] == own_hospital.objects["S4"][0].PatientID
    assert seen["outcome"] == 0
    assert seen["purpose"] == "TREAT"
    assert seen["request_id"] == answer.headers["X-Request-Id"]
    assert seen["reasons"]
    assert seen["revision"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen["at"])


@pytest.mark.long
def test_t1_scrolling_is_one_window_with_an_exact_count(furnished: FurnishedHospital, tmp_path) -> None:
    with opened(furnished.copy_to(tmp_path / "gate")) as hospital:
        client = hospital.client("rad3")
        cine = hospital.instance("S7", 2)
        sizes = [
            len(client.get(f"{cine}/frames/{frame}", headers={"Accept": "application/octet-stream"}).content)
            for frame in [*range(1, 31), *range(30, 0, -1)]
        ]
        config = hospital.config
    listed = cli_here("audit", "search", "--user", "rad3", "--json", "-c", str(config)).stdout.splitlines()
    trail = [json.loads(line) for line in listed]
    kinds = Counter(event["kind"] for event in trail)
    # Each of the two workers has a window of its own.
    assert kinds["INSTANCES_ACCESSED"] == kinds["ACCESS_WINDOW_CLOSED"] <= 2
    closed = [event for event in trail if event["kind"] == "ACCESS_WINDOW_CLOSED"]
    assert sum(event["count"] for event in closed) == len(sizes)
    assert sum(event["bytes_sent"] for event in closed) == sum(sizes)
    assert {event["window"] for event in closed} == {
        event["window"] for event in trail if event["kind"] == "INSTANCES_ACCESSED"
    }
    exactly = {
        event["window"]: f"{event['count']} instances, {event['bytes_sent']} bytes" for event in closed
    }
    opened_by = [event for event in trail if event["kind"] == "INSTANCES_ACCESSED"]
    assert [event["read"] for event in opened_by] == [exactly[event["window"]] for event in opened_by]


def test_t4_a_failed_sign_in_is_recorded_without_its_password(own_hospital: RunningHospital) -> None:
    wrong = "never-write-this-down-0815"
    assert own_hospital.client("rad1", wrong).get("/studies").status_code == 401
    failed = [e for e in events(own_hospital, user="rad1", kind=EventKind.SIGN_IN) if e["outcome"] == 8]
    assert [event["event.code"] for event in failed] == ["110114"]
    assert failed[0]["actor.verified"] is False
    for file in own_hospital.config.parent.rglob("*"):
        assert not file.is_file() or wrong.encode() not in file.read_bytes(), file


def test_t4_a_role_given_is_recorded_with_actor_target_before_and_after(
    own_hospital: RunningHospital,
) -> None:
    assert own_hospital.cli("user", "assign", "stud1", "manager").returncode == 0
    assert own_hospital.cli("user", "unassign", "stud1", "manager").returncode == 0
    given, taken = events(own_hospital, kind=EventKind.ROLE_CHANGED, text="manager")
    for event in (given, taken):
        assert event["event.type.code"] == "110136"
        assert event["details.target"] == "stud1"
        assert event["actor.name"].startswith("local:")
    assert "manager" in given["details.after"]
    assert "manager" not in given["details.before"]
    assert (taken["details.before"], taken["details.after"]) == (
        given["details.after"],
        given["details.before"],
    )


def test_t5_a_saved_policy_is_an_event_with_the_revisions_before_and_after_and_a_refused_one_too(
    own_hospital: RunningHospital,
) -> None:
    policy, before = own_hospital.policy, own_hospital.policy.read_text("utf-8")
    try:
        policy.write_text(before.replace("study.department in user.departments", "false"), "utf-8")
        assert within(PATIENCE_SECONDS, lambda: found(own_hospital, "rad2") == set())
        policy.write_text("version: 1\nruels: []\n", "utf-8")
        assert within(PATIENCE_SECONDS, lambda: _is_refused(own_hospital))
        refused = [event for event in _policy_events(own_hospital) if event["outcome"] == 8]
    finally:
        policy.write_text(before, "utf-8")
    assert within(PATIENCE_SECONDS, lambda: found(own_hospital, "rad2") == {"S2", "S4"})
    first, second, *_ = [event for event in _policy_events(own_hospital) if event["outcome"] == 0]
    assert second["details.before"] == first["details.after"] != second["details.after"]
    assert {event["event.type.code"] for event in (first, second, *refused)} == {"110129"}
    assert {event["actor.name"] for event in (first, second, *refused)} == {"policy-files"}
    (refused_event,) = refused
    assert "policy.yaml:2:1" in refused_event["details.first"]


def _policy_events(hospital: RunningHospital) -> list[dict]:
    return [
        event for event in events(hospital, kind=EventKind.POLICY_CHANGED) if event["tenant"] == "default"
    ]


def _is_refused(hospital: RunningHospital) -> bool:
    return requests.get(f"{hospital.url}/readyz", timeout=10).status_code == 503


def test_t10_reading_the_trail_is_recorded_with_what_was_looked_for(own_hospital: RunningHospital) -> None:
    own_hospital.cli("audit", "search", "--patient", "SOMEBODY-ELSE")
    own_hospital.cli("audit", "verify")
    own_hospital.cli("audit", "export", "--format", "dicom-xml", "--user", "rad1")
    used = events(own_hospital, kind=EventKind.AUDIT_LOG_USED)
    assert {event["event.code"] for event in used} == {"110101"}
    assert {"search", "verify", "export"} <= {event["details.use"] for event in used}
    assert any("patient=SOMEBODY-ELSE" in event.get("query", "") for event in used)


FORGED = "\n<85>1 2026-01-01T00:00:00Z gate pacsgate - - - chief1 deleted everything\x1b[2J"


def test_t12_line_ends_in_names_and_queries_forge_no_line_anywhere(own_hospital: RunningHospital) -> None:
    image = another(
        own_hospital.objects["S2"][0],
        StudyInstanceUID=generate_uid(),
        PatientName="EVE" + FORGED,
        PatientID="P666" + FORGED,
    )
    assert stow(own_hospital, "CT1", "/studies", image).status_code == 200
    chief = own_hospital.client("chief1")
    assert chief.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200
    chief.get("/studies", params={"PatientName": "EVE" + FORGED})
    own_hospital.client("eve" + FORGED, "no password").get("/studies")
    shown = [
        own_hospital.cli("audit", *command).stdout
        for command in (
            ("tail", "-n", "1000"),
            ("tail", "-n", "1000", "--json"),
            ("search", "--user", "chief1"),
            ("export", "--format", "json"),
            ("export", "--format", "dicom-xml"),
        )
    ]
    assert any("P666" in text for text in shown)
    for text in (*shown, own_hospital.log.read_text("utf-8")):
        assert "\x1b" not in text
        assert not [line for line in text.splitlines() if line.startswith("<85>")]


@pytest.fixture(scope="module")
def ended(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation of a gate that worked and was stopped, so that a manifest covers all it wrote."""
    directory = tmp_path_factory.mktemp("ended") / "gate"
    with opened(furnished.copy_to(directory)) as hospital:
        for persona in ("rad1", "rad2", "chief1"):
            for study in ("S1", "S2", "S3"):
                hospital.client(persona).get(f"{hospital.study(study)}/metadata")
    return directory


def _verify(directory: Path) -> tuple[int, dict]:
    checked = cli_here("audit", "verify", "--json", "-c", str(directory / "pacsgate.yaml"))
    return checked.returncode, json.loads(checked.stdout)


def _segment_with(directory: Path, text: bytes) -> tuple[Path, list[bytes], int]:
    """The segment that holds a text, its lines, and the line with it."""
    for path in sorted((directory / "data" / "trail").glob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines):
            if text in line:
                return path, lines, number
    raise AssertionError(f"no segment holds {text!r}")


def test_t6_an_untouched_trail_is_intact(ended: Path) -> None:
    status, report = _verify(ended)
    assert (status, report["intact"], report["faults"]) == (0, True, [])


@pytest.mark.parametrize("change", ["edit", "cut", "swap", "insert", "remove the file"])
def test_t6_any_change_of_a_signed_record_is_found_with_its_place(ended: Path, tmp_path, change: str) -> None:
    directory = tmp_path / "gate"
    shutil.copytree(ended, directory)
    path, lines, number = _segment_with(directory, b'"chief1"')
    match change:
        case "edit":
            lines[number] = lines[number].replace(b"chief1", b"nobody")
        case "cut":
            del lines[-1]
            number = len(lines)
        case "swap":
            lines[number], lines[number + 1] = lines[number + 1], lines[number]
        case "insert":
            lines.insert(number, lines[number])
            number += 1
    if change == "remove the file":
        path.unlink()
    else:
        path.write_bytes(b"".join(lines))
    status, report = _verify(directory)
    assert (status, report["intact"]) == (1, False)
    (fault, *_) = report["faults"]
    assert fault["segment"] == path.stem
    if change != "remove the file":
        # Positions count from 1 or name the record's own sequence: within one of the line that was touched.
        assert abs(fault["position"] - number) <= 1
