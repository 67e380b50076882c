import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.installation import trail_directory
from pacsgate.cli.desk import open_desk
from pacsgate.cli.main import app
from pacsgate.config import read_settings
from pacsgate.sinks.trail_reader import read_trail
from tests.support.installed import installed
from tests.support.objects import small_hospital
from tests.support.seed_001 import SEED

OBJECTS = small_hospital(studies=2, series=1, instances=2)
"""Magnetic resonance, all of it."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation under the permissions of seed 001, with somebody for each profile and somebody without."""
    with installed(tmp_path_factory.mktemp("search"), OBJECTS, permissions=SEED) as made:
        config = made.settings.data.parent / "pacsgate.yaml"
    with open_desk(config) as desk:
        for name, groups in {"user1": (), "ct1": ("groups-ct",), "stranger": ()}.items():
            desk.users.add(desk.change(), name, password=None, groups=frozenset(groups))
    return config


def search(config: Path, user: str, query: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["search", "--user", user, query, *options, "-c", str(config)])


def test_what_a_user_would_find_is_listed_in_full(config: Path) -> None:
    shown = search(config, "user1", "Modality StrEquals MR")
    assert shown.exit_code == 0
    assert all(one.key.sop_instance_uid in shown.stdout for one in OBJECTS)
    assert "There may be more" not in shown.stdout


def test_a_page_tells_how_to_go_on(config: Path) -> None:
    first = search(config, "user1", "", "--limit", "3", "--json")
    page = json.loads(first.stdout)
    assert (len(page["instances"]), page["out_of_time"]) == (3, False)
    rest = search(config, "user1", "", "--cursor", page["cursor"], "--json")
    assert len(json.loads(rest.stdout)["instances"]) == len(OBJECTS) - 3
    assert "go on with --cursor" in search(config, "user1", "", "--limit", "3").stdout


@pytest.mark.parametrize(
    ("user", "query", "status", "said"),
    [
        ("ct1", "Modality StrEquals MR", 1, "Nothing was found."),
        ("stranger", "", 1, "`stranger` may not search"),
        ("nobody", "", 1, "no user is called `nobody`"),
        ("user1", "Modality StrEquals", 2, "the query cannot be read at character"),
        ("user1", "Modality Exists) OR (Modality Exists", 2, "the query cannot be read at character 16"),
    ],
)
def test_nothing_to_show_has_a_reason(config: Path, user: str, query: str, status: int, said: str) -> None:
    answered = search(config, user, query)
    assert answered.exit_code == status
    assert said in answered.stdout + answered.stderr


def test_who_searched_with_whose_eyes_is_on_record(config: Path) -> None:
    search(config, "user1", "Modality StrEquals MR")
    search(config, "stranger", "")
    recorded = [entry.event for entry in read_trail(trail_directory(read_settings(config)))]
    (*_, asked) = (event for event in recorded if event.kind is EventKind.QUERY)
    (*_, denied) = (event for event in recorded if event.kind is EventKind.DENIED)
    assert (asked.query, asked.count, asked.details["as"]) == ("Modality StrEquals MR", len(OBJECTS), "user1")
    assert denied.details["as"] == "stranger"
    assert asked.actor.name == denied.actor.name
    assert asked.actor.name.startswith("local:")
