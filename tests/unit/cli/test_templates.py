from contextlib import contextmanager

import pytest
import typer
from typer.testing import CliRunner

from pacsgate.cli import desk, templates
from pacsgate.model.role import Role
from pacsgate.policy.document import load_policy
from tests.support.people import open_people
from tests.unit.cli.conftest import Result, StandIn

POLICY = """version: 1
roles: {radiologist: {may: [search, view], owner: chief}}
templates:
  standard:
    roles:
      radiologist-<site>: {extends: [radiologist], owner: head-of-<site>}
"""


@pytest.fixture
def people(tmp_path):
    return open_people(tmp_path, policy=load_policy({"policy.yaml": POLICY}))


@pytest.fixture
def run(people, monkeypatch):
    @contextmanager
    def open_installation(_config, _tenant="default"):
        yield StandIn(people)

    monkeypatch.setattr(desk, "open_installation", open_installation)
    program = typer.Typer()
    program.add_typer(templates.app, name="template")

    def run(*arguments):
        result = CliRunner().invoke(program, ["template", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return run


def test_applying_a_template_says_what_it_did_and_the_second_time_that_it_did_nothing(run) -> None:
    assert run("apply", "standard", "--site", "B").out == "radiologist-B: is not there\n1 change\n"
    assert run("apply", "standard", "--site", "B").out == "0 changes\n"
    assert run("apply", "standard", "--site", "B", "--json").json == {"changes": []}


def test_a_site_that_was_changed_by_hand_drifts(run, people) -> None:
    run("apply", "standard", "--site", "B")
    assert run("drift", "standard").out == "Every site is as the template says.\n"
    people.roles.change(people.change(), Role("radiologist-B", owner="somebody"))
    drifting = run("drift", "standard", "--site", "B")
    assert drifting.exit_code == 1
    assert "owner is `somebody` and should be `head-of-B`" in drifting.out


def test_templates_are_listed_with_their_sites(run) -> None:
    run("apply", "standard", "--site", "B")
    assert run("list", "--json").json == [
        {"name": "standard", "roles": 1, "sites": ["B"], "defined_at": "policy.yaml:4"}
    ]


def test_a_template_that_there_is_not_is_told(run) -> None:
    refused = run("apply", "standrad", "--site", "B")
    assert refused.exit_code != 0
    assert "no template is called `standrad`" in refused.err
