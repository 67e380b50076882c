"""`pacsgate policy export --cedar`."""

import json
from pathlib import Path

import cedarpy
import pytest
from typer.testing import CliRunner

from pacsgate.cli.main import app

DEMO = "src/pacsgate/cli/demo/policy.yaml"


@pytest.fixture
def cedar(tmp_path: Path) -> Path:
    return tmp_path / "hospital.cedar"


def test_policies_and_schema_are_written_and_fit_each_other(cedar: Path) -> None:
    done = CliRunner().invoke(app, ["policy", "export", "--cedar", str(cedar), DEMO])
    assert done.exit_code == 0
    schema = cedar.with_suffix(".cedarschema").read_text("utf-8")
    assert cedarpy.validate_policies(cedar.read_text("utf-8"), schema).validation_passed


def test_what_cedar_cannot_express_is_printed(cedar: Path) -> None:
    done = CliRunner().invoke(app, ["policy", "export", "--json", "--cedar", str(cedar), DEMO])
    answer = json.loads(done.stdout)
    assert answer["policies"] == str(cedar)
    assert any("clerks-find-appointments" in sentence for sentence in answer["not_expressed"])


def test_the_policies_do_not_take_the_place_of_their_schema(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["policy", "export", "--cedar", str(tmp_path / "x.cedarschema"), DEMO])
    assert done.exit_code == 2
    assert not list(tmp_path.iterdir())
