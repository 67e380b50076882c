import json
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from pacsgate.bootstrap import people as wiring
from pacsgate.cli import (
    desk,
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
from pacsgate.config import IdentitySettings
from pacsgate.model.decision import Revision
from pacsgate.model.role import Role
from pacsgate.policy.ir import Attribute, Scope, ValueType
from pacsgate.policy.policy import Declaration, Place, Policy
from tests.support.people import OPERATOR, SCOPE, People, open_people

PLACE = Place("policy.yaml", 12)
POLICY = Policy(
    Revision("0" * 12),
    roles={"radiologist": Role("radiologist")},
    role_places={"radiologist": PLACE},
    declarations={
        f"user.{name}": Declaration(Attribute(Scope.USER, name, kind), PLACE)
        for name, kind in {
            "clearance": ValueType.NUMBER,
            "trainee": ValueType.BOOLEAN,
            "born": ValueType.DATE,
            "department": ValueType.STRING,
            "sites": ValueType.SET,
        }.items()
    },
)


@dataclass
class StandIn:
    """What a command sees of an installation."""

    people: People
    scope = SCOPE

    @property
    def stores(self):
        return self.people

    @property
    def trail(self):
        return self.people.trail

    @property
    def clock(self):
        return self.people.clock

    @property
    def office(self):
        return self.people.office

    @property
    def settings(self):
        return SimpleNamespace(identity=IdentitySettings(), public_url="https://gate.example")

    def policy(self):
        return self.people.policy

    def actor(self):
        return OPERATOR


@dataclass
class Result:
    exit_code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.exit_code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def people(tmp_path):
    return open_people(tmp_path, policy=POLICY)


@pytest.fixture
def run(people, monkeypatch):
    """Runs a command as a shell would, and answers with its exit code and output."""

    @contextmanager
    def open_installation(_config, _tenant="default"):
        yield StandIn(people)

    monkeypatch.setattr(desk, "open_installation", open_installation)
    monkeypatch.setattr(wiring, "Argon2Passwords", lambda **_: people.passwords)
    program = typer.Typer()
    modules = {
        "user": users,
        "device": devices,
        "session": sessions,
        "token": tokens,
        "role": roles,
        "grant": grants,
        "permission": permissions,
        "link": links,
        "lock": locks,
        "report": reports,
    }
    for name, module in modules.items():
        program.add_typer(module.app, name=name)
    program.command("unlock")(locks.unlock)

    def run(*arguments, stdin=""):
        result = CliRunner().invoke(program, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return run
