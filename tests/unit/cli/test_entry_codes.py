from datetime import timedelta

import pytest

from pacsgate.ports import AuthenticationFailed, StartedSession
from tests.support.people import PASSWORD

NEW = "another long passphrase"


@pytest.fixture(autouse=True)
def rad1(people):
    people.users.add(people.change(), "rad1", password=PASSWORD)


def sign_in(people, name, password):
    return people.pages.sign_in(name, password, people.context())


def test_an_operator_resets_and_the_user_chooses(people, run):
    given = run("user", "reset", "rad1", "--json").json
    assert isinstance(sign_in(people, "rad1", PASSWORD), AuthenticationFailed)
    assert people.resets.complete("rad1", given["code"], NEW, people.context()) is None
    assert isinstance(sign_in(people, "rad1", NEW), StartedSession)
    assert "https://gate.example/reset" in run("user", "reset", "rad1").out


def test_an_invitation_is_a_code_for_a_new_account(people, run):
    added = run("user", "add", "new1", "--invite", "--until", "30d", "--json").json
    assert people.resets.complete("new1", added["code"], NEW, people.context()) is None
    assert isinstance(sign_in(people, "new1", NEW), StartedSession)
    people.clock.advance(hours=30 * 24)
    assert isinstance(sign_in(people, "new1", NEW), AuthenticationFailed)


def test_validity_is_set_shown_and_taken_back(people, run):
    """Row L5."""
    run("user", "validity", "rad1", "--from", "1h", "--until", "2d", "--json")
    shown = run("user", "show", "rad1", "--json").json
    assert shown["until"] is not None
    assert isinstance(sign_in(people, "rad1", PASSWORD), AuthenticationFailed)
    assert run("user", "validity", "rad1", "--json").json == {"name": "rad1", "from": None, "until": None}
    assert isinstance(sign_in(people, "rad1", PASSWORD), StartedSession)


def test_the_sealed_credential_is_made_shown_used_and_voided(people, run):
    run("role", "add", "rescuer", "--permission", "UserList")
    assert run("user", "emergency", "--json").json == {"state": "none"}
    sealed = run("user", "emergency", "--seal", "--role", "rescuer", "--json").json
    assert run("user", "emergency", "--seal", "--role", "rescuer").exit_code == 1
    assert isinstance(sign_in(people, sealed["name"], sealed["code"]), StartedSession)
    assert run("user", "emergency", "--json").json == {"state": "used"}
    assert run("user", "emergency", "--void", "--json").json == {"state": "none", "was": "used"}
    assert run("user", "emergency", "--seal", "--void").exit_code == 2
    assert run("user", "emergency", "--role", "rescuer").exit_code == 2


def test_sessions_are_listed_and_ended(people, run):
    for _ in range(2):
        sign_in(people, "rad1", PASSWORD)
    people.clock.advance(seconds=1)
    listed = run("session", "list", "--json").json
    assert [row["user"] for row in listed] == ["rad1", "rad1"]
    assert run("session", "end", listed[0]["session_id"], "--json").json == {"ended": 1}
    assert run("session", "end", "--user", "rad1", "--json").json == {"ended": 1}
    assert run("session", "list").out.strip() == "Nobody is signed in at the pages."
    assert run("session", "end", listed[0]["session_id"]).exit_code == 1
    assert run("session", "end").exit_code == 2


def test_a_token_ends_with_its_owners_account(people, run):
    """Row I12: a key never outlives its owner."""
    until = people.clock.now() + timedelta(days=3)
    people.users.set_window(people.change(), "rad1", None, until)
    issued = run("token", "issue", "rad1", "--label", "short", "--until", "30d", "--json").json
    assert people.directory.token(issued["token_id"])[1].expires_at == until
