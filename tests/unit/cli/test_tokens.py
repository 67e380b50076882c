from datetime import datetime

import pytest

from pacsgate.identity.credentials import read_credentials
from pacsgate.model.subject import Subject


@pytest.fixture(autouse=True)
def rad1(run):
    run("user", "add", "rad1", "--no-password")


def verified(people, text):
    return isinstance(
        people.authenticator.authenticate(read_credentials(f"Bearer {text}", None), people.context()), Subject
    )


def test_a_token_is_printed_once_works_and_is_revoked(run, people):
    issued = run(
        "token", "issue", "rad1", "--label", "viewer", "--action", "search", "--action", "view", "--json"
    ).json
    assert verified(people, issued["token"])
    assert issued["actions"] == ["search", "view"]
    assert issued["expires_at"] == "2026-03-31T09:00:00Z"
    listed = run("token", "list", "--user", "rad1", "--json")
    assert issued["token"] not in listed.out
    assert listed.json[0]["token_id"] == issued["token_id"]
    assert listed.json[0]["last_used_at"] == "2026-03-01T09:00:00Z"
    assert run("token", "revoke", issued["token_id"]).exit_code == 0
    assert not verified(people, issued["token"])
    assert run("token", "revoke", issued["token_id"]).exit_code == 1


def test_people_get_the_token_on_a_line_of_its_own(run, people):
    out = run("token", "issue", "rad1", "--label", "viewer", "--until", "2026-03-02").out
    assert "2026-03-02T00:00:00Z" in out
    assert verified(people, out.rpartition(": ")[2].strip())
    assert "viewer" in run("token", "list").out


@pytest.mark.parametrize("until", ["91d", "2026-01-01", "never"])
def test_a_token_without_a_near_end_is_refused(run, until):
    assert run("token", "issue", "rad1", "--label", "x", "--until", until).exit_code == 2


def test_nobody_and_an_unknown_action_are_refused(run):
    assert run("token", "issue", "nobody", "--label", "x").exit_code == 1
    assert run("token", "issue", "rad1", "--label", "x", "--action", "fly").exit_code == 2
    assert run("token", "revoke", "0" * 16).exit_code == 1


def test_instants_without_an_offset_are_utc(run):
    issued = run("token", "issue", "rad1", "--label", "x", "--until", "2026-03-02T08:00+01:00", "--json").json
    assert datetime.fromisoformat(issued["expires_at"]).hour == 7
