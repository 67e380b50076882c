"""`pacsgate tenant` and `pacsgate pacs`, as an operator types them, on a real installation."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.policies import publish_all
from pacsgate.cli import pacses, tenants
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.errors import SettingsError


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installation")
    make_installation(directory)
    return directory / "pacsgate.yaml"


def told(config: Path, *words: str, expected: int = 0) -> Any:
    app = {"tenant": tenants.app, "pacs": pacses.app}[words[0]]
    ran = CliRunner().invoke(app, [*words[1:], "--config", str(config), "--json"])
    assert ran.exit_code == expected, ran.output
    return json.loads(ran.stdout) if expected == 0 else ran.stderr


def test_a_tenant_and_its_doors_are_registered_shown_changed_and_unregistered(config: Path) -> None:
    made = told(
        config,
        *("tenant", "register", "north", "--administrator", "nora", "--name", "North Hospital"),
        *("--identity-field", "licence:string!", "--visit-field", "escorted:boolean"),
    )
    assert made["identity_fields"] == ["licence:string!"]
    shown = told(config, "tenant", "show", "north")
    assert {**shown, "administrator": "nora"} == made
    assert [each["tenant"] for each in told(config, "tenant", "list")] == ["default", "north", "platform"]
    assert told(config, "tenant", "update", "north", "--name", "North")["visit_fields"] == [
        "escorted:boolean"
    ]
    assert told(config, "tenant", "statistics", "north")["calls"] == {}
    doors = told(
        config,
        *("pacs", "register", "doors", "--agent", "doors-agent", "--kind", "doors", "--tenant", "north"),
    )
    assert told(config, "pacs", "list", "--tenant", "north") == [doors]
    assert told(config, "pacs", "show", "doors", "--tenant", "north") == doors
    moved = told(config, "pacs", "update", "doors", "--agent", "other-agent", "--tenant", "north")
    assert moved == {**doors, "agent": "other-agent"}
    assert told(config, "pacs", "unregister", "doors", "--tenant", "north") == {
        "pacs": "doors",
        "unregistered": True,
    }
    assert told(config, "pacs", "list", "--tenant", "north") == []


def test_what_cannot_be_is_said_in_a_line(config: Path) -> None:
    assert "is there from the beginning" in told(
        config, "tenant", "register", "default", "--administrator", "x", expected=1
    )
    assert "types: string" in told(
        config, "tenant", "register", "n", "--administrator", "x", "--visit-field", "a:float", expected=2
    )
    assert "managed-by-file" in told(config, "pacs", "unregister", "main", expected=1)
    assert "no tenant is called `void`" in told(config, "pacs", "list", "--tenant", "void", expected=2)


def test_a_registrator_is_an_account_that_the_configuration_names(config: Path) -> None:
    assert told(config, "tenant", "registrator", "add", "ops") == {
        "name": "ops",
        "tenant": "platform",
        "registrator": False,
    }
    text = config.read_text("utf-8")
    config.write_text(text + "\nregistrators: [second]\n", "utf-8")
    assert told(config, "tenant", "registrator", "add", "second")["registrator"]
    config.write_text(text, "utf-8")


def test_an_archive_that_takes_the_name_of_a_registered_pacs_stops_the_start(config: Path) -> None:
    told(config, "pacs", "register", "second", "--agent", "second-agent", "--kind", "doors")
    text = config.read_text("utf-8")
    taken = text.replace("archives:\n", "archives:\n  second: {kind: folder, path: second}\n", 1)
    config.write_text(f"{taken}\ndefault_archive: main\n", "utf-8")
    refused = pytest.raises(SettingsError, match="called like a PACS that is registered in tenant `default`")
    with open_installation(read_settings(config), "test") as here, refused:
        publish_all(here)
    config.write_text(text, "utf-8")
    told(config, "pacs", "unregister", "second")
