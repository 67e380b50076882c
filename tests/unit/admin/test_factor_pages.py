"""Adding a second factor by its page: what the session holds afterwards."""

import re
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from pacsgate.ports import SessionRecord
from tests.support.administered_gate import AdministeredGate
from tests.support.open_gate import Answer

PATH = "/security/factors/app"


def add_app(gate: AdministeredGate, cookie: str) -> Answer:
    page = gate.browse(cookie, PATH).body.decode()
    number = re.search(r'name="number" value="([^"]+)"', page)
    seed = re.search(r">((?:[A-Z2-7]{4} ?){8})<", page)
    assert number is not None
    assert seed is not None
    code = pyotp.TOTP(seed[1].replace(" ", "")).at(gate.now)
    return gate.browse(cookie, PATH, {"number": number[1], "code": code, "label": "phone"})


def session_of(gate: AdministeredGate, user: str) -> SessionRecord:
    (record,) = gate.office.directory.sessions(gate.change.scope, user=user)
    return record


def test_the_first_factor_is_proven_by_adding_it(gate: AdministeredGate) -> None:
    user = gate.user()
    _, cookie = gate.session(user)
    before = session_of(gate, user)
    assert b"I have them" in add_app(gate, cookie).body
    after = session_of(gate, user)
    assert after.cookie_sha256 != before.cookie_sha256
    assert (before.assurance_level, after.assurance_level) == (1, 2)
    assert after.second_factor_at is not None


@pytest.mark.parametrize("level", [2, 3])
def test_adding_another_is_no_proof_of_those_there_are(gate: AdministeredGate, level: int) -> None:
    """Else what demands a key within five minutes would be had ten minutes later, by adding one's own app."""
    user = gate.user()
    _, cookie = gate.session(user)
    add_app(gate, cookie)
    directory, scope = gate.office.directory, gate.change.scope
    directory.end_sessions_of(scope, user)
    _, cookie = gate.session(user)
    record = session_of(gate, user)
    proven = replace(
        record,
        assurance_level=level,
        second_factor_at=gate.now - timedelta(minutes=10),
        methods=frozenset({"pwd"}),
    )
    directory.replace_session(scope, record.cookie_sha256, proven)
    assert add_app(gate, cookie).headers["location"] == "/security/factors?said=changed"
    after = session_of(gate, user)
    assert after.cookie_sha256 != record.cookie_sha256
    assert (after.assurance_level, after.second_factor_at) == (level, proven.second_factor_at)
    assert after.methods == {"pwd"}
