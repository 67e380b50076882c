"""`pacsgate identity`, `visit` and `unit`, as an operator types them, at the archive of a real installation."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pacsgate.cli import identities, pacses, units, visits
from pacsgate.cli.new_installation import make_installation
from tests.support.hospital import furnish
from tests.support.small_hospital import some_studies

APPS = {"identity": identities.app, "visit": visits.app, "unit": units.app, "pacs": pacses.app}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("installation"), made=some_studies("S1")).config


def told(config: Path, words: str, *more: str, expected: int = 0) -> Any:
    which, *rest = words.split()
    ran = CliRunner().invoke(APPS[which], [*rest, *more, "--config", str(config), "--json"])
    assert ran.exit_code == expected, ran.output
    return json.loads(ran.stdout) if expected == 0 else ran.stderr


def test_what_is_changed_of_an_identity_is_changed_and_the_rest_stays(config: Path) -> None:
    made = told(config, "identity create --id e-1 --email ada@example.org --until 90d", "Ada Reis")
    changed = told(config, "identity change e-1 --organization", "Radiology")
    assert changed == {**made, "organization": "Radiology"}
    assert told(config, "identity show e-1") == changed
    assert told(config, "identity list") == [changed]


def test_a_credential_is_added_listed_switched_and_removed(config: Path) -> None:
    told(config, "identity create Ben --id e-2")
    formats = [each["format"] for each in told(config, "pacs formats main")]
    assert "login" in formats
    made = told(config, "identity credential add e-2 --format login --id c-1 --label first")
    assert made["secret"]
    for step, is_active in (("deactivate", False), ("activate", True)):
        assert told(config, f"identity credential {step} e-2 c-1")["active"] is is_active
        (listed,) = told(config, "identity credential list e-2")
        assert (listed["credentialId"], listed["active"], listed["label"]) == ("c-1", is_active, "first")
        assert "secret" not in listed
    told(config, "identity credential remove e-2 c-1")
    assert told(config, "identity credential list e-2") == []
    assert "c-1" not in told(config, "identity credential activate e-2 c-1", expected=1)


def test_a_unit_says_to_whom_it_is_open_and_a_holder_what_is(config: Path) -> None:
    told(config, "identity create Cleo --id e-3")
    told(config, "visit plan", "Bo Lund", "--id", "v-3", "--visitor", "p-3", "--until", "8h")
    (unit, *_) = [each["accessUnitId"] for each in told(config, "unit list")]
    told(config, f"identity open e-3 {unit}")
    told(config, f"visit open v-3 {unit}")
    assert told(config, f"unit who {unit}") == [
        {"holder": "identity", "id": "e-3"},
        {"holder": "visit", "id": "v-3"},
    ]
    assert [each["accessUnitId"] for each in told(config, "visit units v-3")] == [unit]
    told(config, f"identity close e-3 {unit}")
    told(config, f"visit close v-3 {unit}")
    assert told(config, f"unit who {unit}") == []


def test_a_visit_is_moved_while_it_is_planned_and_cancelled_once(config: Path) -> None:
    made = told(config, "visit plan", "Di Park", "--id", "v-4", "--visitor", "p-4", "--until", "8h")
    moved = told(config, "visit change v-4 --until 9h --host rad1")
    later = datetime.fromisoformat(moved["validTo"]) - datetime.fromisoformat(made["validTo"])
    assert timedelta(hours=1) <= later < timedelta(hours=1, minutes=1)
    assert {**moved, "validTo": None, "host": None} == {**made, "validTo": None, "host": None}
    assert told(config, "visit cancel v-4") == {"visitId": "v-4", "cancelled": True}
    assert told(config, "visit show v-4")["state"] == "cancelled"
    assert "cancelled" in told(config, "visit change v-4 --until 9h", expected=1)


def test_an_archive_without_a_policy_says_so_at_once(tmp_path: Path) -> None:
    config = make_installation(tmp_path)
    assert "no policy has been activated yet" in told(config, "identity list", expected=1)
