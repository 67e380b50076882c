"""`pacsgate import`: what it writes, what it says, and what it leaves alone."""

import json
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from pacsgate.cli import desk
from pacsgate.cli.importing import app
from pacsgate.policy.document import load_policy
from tests.support.orthanc_auth_files import PERMISSIONS
from tests.support.people import SCOPE, open_people
from tests.support.seed_000 import LUA, ORTHANC_JSON, SAMPLE_PASSWORDS
from tests.unit.cli.conftest import Result, StandIn

OWN_PASSWORDS = ORTHANC_JSON.replace("oAm5Ns78DsdE6MNy", "an-editor-s-own-word")


@pytest.fixture
def people(tmp_path):
    return open_people(tmp_path)


@pytest.fixture
def files(tmp_path):
    """The files of all formats, and the names of each."""
    made = tmp_path / "theirs"
    made.mkdir()
    texts = {
        "orthanc.json": OWN_PASSWORDS,
        "filter.lua": LUA,
        "permissions.json": PERMISSIONS,
        "permissions.yaml": "Profiles: {All: {Description: all}}\nPermissions: [{Users: ann, Profiles: All}]\n",
    }
    for name, text in texts.items():
        (made / name).write_text(text, "utf-8")
    return made


@pytest.fixture
def run(people, monkeypatch, tmp_path):
    @contextmanager
    def open_installation(_config, _tenant="default"):
        yield StandIn(people)

    monkeypatch.setattr(desk, "open_installation", open_installation)
    monkeypatch.setattr(desk, "Argon2Passwords", lambda: people.passwords)

    def run(*arguments):
        result = CliRunner().invoke(app, [*map(str, arguments), "--into", str(tmp_path / "ours")])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return run


def test_the_lists_of_zhiva_become_a_policy_file_and_accounts(run, files, people, tmp_path):
    told = run("zhiva", files / "orthanc.json", files / "filter.lua")
    assert told.exit_code == 0, told.err
    written = (tmp_path / "ours/zhiva.yaml").read_text("utf-8")
    assert len(load_policy({"zhiva.yaml": written}).rules) == 4
    hashes = {user.name: user.password_hash for user in people.users.users(SCOPE)}
    assert people.passwords.matches(hashes["zhiva-editor"], "an-editor-s-own-word")
    assert (hashes["zhiva"], hashes["zhiva-admin"]) == (None, None)
    assert "account `zhiva-editor` made, with its password" in told.out
    assert "account `zhiva` made without a password: its password is printed in the guide" in told.out
    assert "not carried over:\n" in told.out
    assert "`POST /modalities/{name}/store`" in told.out
    for secret in (*SAMPLE_PASSWORDS.values(), "an-editor-s-own-word"):
        assert secret not in written + told.out + told.err


@pytest.mark.parametrize(
    ("command", "names"),
    [("research-pacs", ["permissions.yaml"]), ("orthanc-auth", ["permissions.json"])],
)
def test_other_formats_become_a_policy_file(run, files, people, tmp_path, command, names):
    told = run(command, *(files / name for name in names), "--json").json
    assert told["policy"] == str(tmp_path / f"ours/{command}.yaml")
    assert (told["dry_run"], told["accounts"]) == (False, [])
    policy = load_policy({"p.yaml": (tmp_path / f"ours/{command}.yaml").read_text("utf-8")})
    assert (len(policy.own_roles), len(policy.rules)) == (told["roles"], told["rules"])
    assert people.users.users(SCOPE) == ()


def test_a_dry_run_says_the_same_and_does_nothing(run, files, people, tmp_path):
    dry = run("zhiva", files / "orthanc.json", files / "filter.lua", "--dry-run", "--json").json
    assert not (tmp_path / "ours").exists()
    assert people.users.users(SCOPE) == ()
    done = run("zhiva", files / "orthanc.json", files / "filter.lua", "--json").json
    assert {**dry, "dry_run": False} == done
    assert [(row["name"], row["with_password"]) for row in done["accounts"]] == [
        ("zhiva", False),
        ("zhiva-admin", False),
        ("zhiva-editor", True),
    ]


def test_nothing_that_exists_is_written_over(run, files, people):
    assert run("zhiva", files / "orthanc.json", files / "filter.lua").exit_code == 0
    before = people.users.users(SCOPE)
    again = run("zhiva", files / "orthanc.json", files / "filter.lua")
    assert again.exit_code == 2
    assert "exists already" in again.err
    assert people.users.users(SCOPE) == before


def test_a_mistake_in_their_files_is_named_and_nothing_is_made(run, files, people, tmp_path):
    (files / "filter.lua").write_text("local viewers = everybody()", "utf-8")
    refused = run("zhiva", files / "orthanc.json", files / "filter.lua")
    assert refused.exit_code == 1
    assert "filter.lua:1:7: the list `viewers` is no list" in refused.err
    assert run("orthanc-auth", files / "gone.json").exit_code == 2
    assert run("zhiva", files / "filter.lua").exit_code == 1
    assert not (tmp_path / "ours").exists()
    assert people.users.users(SCOPE) == ()


def test_the_report_of_json_is_one_line(run, files):
    told = run("orthanc-auth", files / "permissions.json", "--json")
    assert told.out.count("\n") == 1
    assert any("settings" in row for row in json.loads(told.out)["not_carried_over"])
