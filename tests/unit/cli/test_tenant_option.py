"""`--tenant` on the commands about people: whose they are, and a tenant that there is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.installation import open_installation
from pacsgate.cli import (
    audit,
    devices,
    grants,
    links,
    locks,
    permissions,
    reports,
    roles,
    sessions,
    tokens,
    users,
)
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.services.administration import Change

APPS = {
    "user": users.app,
    "role": roles.app,
    "grant": grants.app,
    "token": tokens.app,
    "device": devices.app,
    "permission": permissions.app,
    "session": sessions.app,
    "lock": locks.app,
    "link": links.app,
    "report": reports.app,
    "audit": audit.app,
}
EVERYBODYS = {"verify"}
"""Commands that are about the whole installation."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installation")
    make_installation(directory)
    config = directory / "pacsgate.yaml"
    with open_installation(read_settings(config), "test") as here:
        order = Change(TenantScope(TenantName("north")), here.actor(), here.clock.now())
        here.beginning.enter(order, "North")
    return config


def told(config: Path, *words: str, expected: int = 0) -> Any:
    ran = CliRunner().invoke(APPS[words[0]], [*words[1:], "--config", str(config)])
    assert ran.exit_code == expected, ran.output
    return ran.stdout if expected == 0 else ran.stderr


@pytest.mark.parametrize("group", APPS)
def test_every_command_about_people_says_whose_they_are(group: str) -> None:
    without = {
        command.name or command.callback.__name__  # type: ignore[union-attr]
        for command in APPS[group].registered_commands
        if "tenant" not in command.callback.__annotations__  # type: ignore[union-attr]
    }
    assert without <= EVERYBODYS


def test_what_is_done_in_one_tenant_is_not_there_in_another(config: Path) -> None:
    for name, tenant in (("anna", "default"), ("anna", "north"), ("nora", "north")):
        told(config, "user", "add", name, "--no-password", "--tenant", tenant, "--display-name", tenant)
    told(config, "token", "issue", "nora", "--label", "t", "--tenant", "north")
    listed = {
        tenant: json.loads(told(config, "user", "list", "--json", "--tenant", tenant))
        for tenant in ("default", "north")
    }
    names = {
        tenant: [(each["name"], each["display_name"]) for each in rows] for tenant, rows in listed.items()
    }
    assert names == {"default": [("anna", "default")], "north": [("anna", "north"), ("nora", "north")]}
    assert "no user is called `nora`" in told(config, "user", "show", "nora", expected=1)
    assert json.loads(told(config, "token", "list", "--json")) == []


def test_the_trail_is_searched_for_one_tenant(config: Path) -> None:
    told(config, "user", "add", "only-north", "--no-password", "--tenant", "north")
    kind = EventKind.USER_CHANGED.name.lower().replace("_", "-")
    assert "only-north" in told(config, "audit", "search", "--kind", kind, "--tenant", "north")
    assert "only-north" not in told(config, "audit", "search", "--kind", kind)
    assert "only-north" in told(config, "audit", "export", "--kind", kind, "--tenant", "north")
    assert "only-north" not in told(config, "audit", "tail", "--lines", "100")


@pytest.mark.parametrize("words", [("user", "list"), ("role", "list"), ("audit", "search"), ("lock", "list")])
def test_a_tenant_that_there_is_not_is_a_sentence_and_2(config: Path, words: tuple[str, ...]) -> None:
    assert "no tenant is called `void`" in told(config, *words, "--tenant", "void", expected=2)
