"""Administration asks for a fresh second factor where the policy says so (A4, M5; ASVS 7.5.3)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.bootstrap.policy_watch import PolicyWatch
from tests.support.administered_gate import EVERYTHING, AdministeredGate
from tests.support.open_gate import POLICY

DEMAND = 'authentication:\n  - {permissions: ["*"], level: 2, within: 5 min}\n'


@pytest.fixture(autouse=True)
def demanding(gate: AdministeredGate) -> Iterator[None]:
    installation = gate.opened.installation
    gate.holder(*EVERYTHING)
    installation.settings.policy.write_text(POLICY + DEMAND, "utf-8")
    PolicyWatch(installation).publish()
    yield
    installation.settings.policy.write_text(POLICY, "utf-8")
    PolicyWatch(installation).publish()


def administrator(gate: AdministeredGate) -> str:
    return gate.user(gate.role(*EVERYTHING))


def prove(gate: AdministeredGate, user: str, minutes_ago: int) -> str:
    """A session in which a second factor was proven so long ago."""
    directory = gate.office.directory
    _, cookie = gate.session(user)
    (record,) = (
        each for each in directory.sessions(gate.change.scope, user=user) if each.assurance_level == 1
    )
    at = gate.now - timedelta(minutes=minutes_ago)
    proven = replace(record, assurance_level=2, second_factor_at=at, methods=frozenset({"pwd", "otp"}))
    directory.replace_session(gate.change.scope, record.cookie_sha256, proven)
    return cookie


def test_a_token_never_administers_what_demands_a_second_factor(gate: AdministeredGate) -> None:
    told = gate.ask(gate.holder(*EVERYTHING), "GET", "/users")
    assert told.status == 401
    assert told.body["error"] == "insufficient_user_authentication"
    assert 'error="insufficient_user_authentication"' in told.headers["www-authenticate"]
    assert "max_age=300" in told.headers["www-authenticate"]


def test_who_lacks_the_permission_is_told_so_and_not_to_prove_anything(gate: AdministeredGate) -> None:
    assert gate.ask(gate.holder(), "GET", "/users").status == 403


def test_a_fresh_proof_is_enough_and_an_old_one_is_not(gate: AdministeredGate) -> None:
    me = administrator(gate)
    fresh, old = prove(gate, me, 1), prove(gate, me, 6)
    assert gate.ask(None, "GET", "/users", cookie=fresh).status == 200
    assert gate.ask(None, "GET", "/users", cookie=old).status == 401
    assert gate.ask(None, "GET", "/me", cookie=old).status == 200


def test_a_page_of_administration_leads_to_the_proof_and_back(gate: AdministeredGate) -> None:
    me = administrator(gate)
    asked = gate.browse(prove(gate, me, 6), "/admin/users?state=locked")
    assert asked.status == 303
    assert asked.headers["location"].startswith("/step-up?return_to=%2Fadmin%2Fusers%3Fstate%3Dlocked&")
    assert gate.browse(prove(gate, me, 1), "/admin/users?state=locked").status == 200
