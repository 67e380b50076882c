"""`pacsgate identity` and `pacsgate visit`: the same rules, told in a terminal."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from pacsgate.cli import identities, units, visits
from tests.support.access_gate import AccessGate, access_gate

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessGate]:
    with access_gate(tmp_path_factory.mktemp("access")) as opened:
        yield opened


def run(gate: AccessGate, app: Any, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--config", str(gate.config)], catch_exceptions=False)
    return done.exit_code, done.output


def told(gate: AccessGate, app: Any, *words: str) -> Any:
    code, output = run(gate, app, *words, "--json")
    assert code == 0, output
    return json.loads(output.splitlines()[-1])


def test_a_visit_from_plan_to_check_out(gate: AccessGate) -> None:
    told(gate, visits.app, "plan", "Bo Lund", "--id", "v-1", "--visitor", "p-1", "--until", "2h")
    token = told(gate, visits.app, "credential", "add", "v-1", "--format", "token")["secret"]
    run(gate, visits.app, "open", "v-1", "department:Radiology")
    assert told(gate, visits.app, "check-in", "v-1")["state"] == "checkedIn"
    assert gate.sees(token) == ["1.2.3.1", "1.2.3.2"]

    run(gate, visits.app, "close", "v-1", "department:Radiology")
    assert gate.sees(token) == 403
    assert run(gate, visits.app, "check-out", "v-1")[0] == 0
    assert [each["state"] for each in told(gate, visits.app, "list")] == ["checkedOut"]
    assert told(gate, visits.app, "show", "v-1")["endedAt"]


def test_an_identity_from_beginning_to_end(gate: AccessGate) -> None:
    told(gate, identities.app, "create", "Ada Reis", "--id", "e-1")
    code, output = run(gate, identities.app, "credential", "add", "e-1", "--format", "login")
    assert code == 0
    assert "identity.e-1@main" in output
    told(gate, identities.app, "open", "e-1", "collection:stroke")
    assert told(gate, identities.app, "show", "e-1")["account"] == "identity.e-1@main"
    assert len(told(gate, units.app, "list")) == 4
    assert [each["accessUnitId"] for each in told(gate, identities.app, "units", "e-1")] == [
        "collection:stroke"
    ]
    assert told(gate, identities.app, "remove", "e-1")["removed"] is True
    assert told(gate, identities.app, "list") == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("check-in", "v-404"), 1, "no such visit"),
        (("show", "v-404", "--pacs", "nowhere"), 1, "no PACS"),
        (("plan", "Bo", "--visitor", "p", "--until", "2001-01-01"), 2, "validTo"),
        (("plan", "Bo", "--visitor", "p", "--until", "2h", "--field", "colour=mauve"), 2, "extension field"),
    ],
)
def test_what_cannot_be_is_one_line_and_an_exit_code(
    gate: AccessGate, words: tuple[str, ...], code: int, says: str
) -> None:
    found, output = run(gate, visits.app, *words)

    assert found == code
    assert says in output
    assert "mauve" not in output
