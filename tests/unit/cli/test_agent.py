import json
from pathlib import Path

import pytest

from pacsgate.bootstrap.agents import DATABASE
from tests.support.databases import sqlite_url
from tests.support.hospital import cli_here

ENVIRONMENT = {
    "Agent__TenantId": "north",
    "Agent__PacsId": "doors",
    "Agent__PlatformUrl": "https://gate.example",
    "Auth__ClientId": "north/agent",
    "Auth__ClientSecret": "s3cret",
    "Agent__Adapter": "door-simulator",
}


@pytest.fixture
def env(tmp_path: Path) -> str:
    path, data = tmp_path / "agent.env", tmp_path / "data"
    data.mkdir()
    Path(sqlite_url(tmp_path).removeprefix("sqlite:///")).rename(data / DATABASE)
    given = {**ENVIRONMENT, "Agent__DataDirectory": str(data)}
    path.write_text("".join(f"{name}={text}\n" for name, text in given.items()))
    return str(path)


def test_a_card_that_nobody_holds_opens_no_door_and_the_exit_code_says_so(env: str) -> None:
    said = cli_here("agent", "--env-file", env, "swipe", "main-in", "wiegand26", "1-2", "--json")
    assert said.returncode == 1
    assert json.loads(said.stdout) == {
        "granted": False,
        "reason": "unknown-card",
        "holder": None,
        "zone": None,
    }


def test_what_the_site_has_not_is_named(env: str) -> None:
    said = cli_here("agent", "--env-file", env, "swipe", "attic-in", "wiegand26", "1-2")
    assert (said.returncode, "no reader `attic-in`" in said.stderr) == (1, True)
    said = cli_here("agent", "--env-file", env, "reset-passback", "person/ann")
    assert (said.returncode, "`person/ann` is not a holder" in said.stderr) == (2, True)


def test_nobody_is_anywhere_at_first(env: str) -> None:
    said = cli_here("agent", "--env-file", env, "doors", "--json")
    assert (said.returncode, json.loads(said.stdout)) == (0, [])


def test_an_environment_that_is_not_whole_is_refused_with_every_name(tmp_path: Path) -> None:
    path = tmp_path / "agent.env"
    path.write_text("Auth__ClientSecret=s3cret\n")
    said = cli_here("agent", "--env-file", str(path), "doors")
    assert said.returncode == 2
    assert "`Agent__TenantId` is missing" in said.stderr
    assert "s3cret" not in said.stderr
    assert cli_here("agent", "--env-file", str(tmp_path / "none"), "doors").returncode == 2
