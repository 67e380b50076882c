import pytest

from pacsgate.audit.events import EventKind
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.model.actions import Action
from pacsgate.model.role import Role
from tests.support.people import OPERATOR, PASSWORD, SCOPE


def signs_in(people, name, password):
    found = people.authenticator.authenticate(PasswordCredential(name, password), people.context())
    return getattr(found, "name", None) == name


def test_a_user_is_added_with_a_password_from_standard_input(run, people):
    added = run(
        "user", "add", "rad1", "--password-stdin", "--group", "radiology", "--json", stdin=PASSWORD + "\n"
    ).json
    assert (added["name"], added["groups"], added["has_password"]) == ("rad1", ["radiology"], True)
    assert PASSWORD not in repr(added)
    assert signs_in(people, "rad1", PASSWORD)


def test_spaces_of_a_password_are_kept_and_one_line_end_is_not(run, people):
    run("user", "add", "rad1", "--password-stdin", stdin="  two spaces each \r\n")
    assert signs_in(people, "rad1", "  two spaces each ")


def test_a_generated_password_is_printed_once_and_works(run, people):
    made = run("user", "add", "rad1", "--generate", "--json").json["password"]
    assert signs_in(people, "rad1", made)
    assert made not in run("user", "show", "rad1", "--json").out
    assert made not in repr(people.trail.events)
    shown = run("user", "password", "rad1", "--generate").out
    assert signs_in(people, "rad1", shown.rpartition(": ")[2].strip())


def test_no_command_takes_a_password_as_an_argument(run):
    for command in ("add", "password"):
        assert run("user", command, "rad1", "--password", PASSWORD).exit_code == 2


def test_without_a_terminal_nobody_is_asked(run, people):
    asked = run("user", "add", "rad1")
    assert asked.exit_code == 2
    assert "--password-stdin" in asked.err
    assert people.users.users(SCOPE) == ()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("user", "add", "a:b", "--no-password"), "cannot be a user name"),
        (("user", "add", "rad2", "--no-password", "--generate"), "exclude each other"),
        (("user", "add", "rad2", "--no-password", "--invite"), "exclude each other"),
        (("user", "add", "rad2", "--no-password", "--until", "2020-01-01"), "must end after"),
        (("user", "add", "rad2", "--password-stdin", "--generate"), "exclude each other"),
        (("user", "add", "rad2", "--no-password", "--attribute", "clearence=3"), "did you mean `clearance`"),
        (("user", "add", "rad2", "--no-password", "--attribute", "x=3"), "declares `born`"),
        (("user", "add", "rad2", "--no-password", "--attribute", "clearance"), "name=value"),
        (("user", "add", "rad2", "--no-password", "--attribute", "clearance=high"), "not a number"),
        (("user", "add", "rad2", "--no-password", "--attribute", "trainee=yes"), "not a boolean"),
        (("user", "add", "rad2", "--no-password", "--attribute", "born=2000-01-01"), "not a date"),
        (("user", "assign", "rad1", "radiologist", "--until", "soon"), "no point in time"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence_and_changes_nothing(run, people, arguments, sentence):
    run("user", "add", "rad1", "--no-password")
    people.trail.events.clear()
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert sentence in answer.err
    assert answer.out == ""
    assert people.trail.events == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "show", "nobody"),
        ("user", "disable", "nobody"),
        ("user", "password", "nobody", "--generate"),
        ("user", "add", "rad1", "--no-password"),
        ("user", "add", "rad2", "--no-password", "--role", "nothing"),
        ("user", "assign", "rad1", "nothing"),
        ("user", "unassign", "rad1", "radiologist"),
    ],
)
def test_what_cannot_be_done_exits_1_with_a_sentence(run, arguments):
    run("user", "add", "rad1", "--no-password")
    answer = run(*arguments)
    assert answer.exit_code == 1
    assert answer.err.startswith("pacsgate: ")


def test_a_user_with_an_unknown_role_is_not_made_by_half(run, people):
    run("user", "add", "rad2", "--no-password", "--role", "nothing")
    assert people.users.users(SCOPE) == ()


def test_attributes_have_the_types_that_the_policy_declares(run, people):
    run("user", "add", "rad1", "--no-password")
    run(
        "user",
        "attributes",
        "rad1",
        "clearance=3",
        "trainee=true",
        "born=20000101",
        "department=007",
        "sites=n",
        "sites=s",
    )
    assert people.users.user(SCOPE, "rad1").attributes == {
        "clearance": {3},
        "trainee": {True},
        "born": {"20000101"},
        "department": {"007"},
        "sites": {"n", "s"},
    }
    assert run("user", "attributes", "rad1", "clearance=2.5", "--json").json["attributes"] == {
        "clearance": [2.5]
    }


def test_roles_are_given_in_a_scope_for_a_time_and_taken_back(run, people):
    people.roles.add(people.change(), Role("reader", frozenset({Action.SEARCH})))
    run("user", "add", "rad1", "--no-password", "--role", "radiologist")
    run("user", "assign", "rad1", "reader", "--archive", "main", "--until", "2d")
    given = run(
        "user", "assign", "rad1", "reader", "--collection", "TEACH", "--from", "2026-03-02", "--json"
    ).json
    assert given["assignments"] == [
        {"role": "radiologist", "archive": None, "collection": None, "from": None, "until": None},
        {
            "role": "reader",
            "archive": "main",
            "collection": None,
            "from": None,
            "until": "2026-03-03T09:00:00Z",
        },
        {
            "role": "reader",
            "archive": None,
            "collection": "TEACH",
            "from": "2026-03-02T00:00:00Z",
            "until": None,
        },
    ]
    assert run("user", "unassign", "rad1", "reader", "--archive", "main", "--json").json["roles"] == [
        "radiologist",
        "reader",
    ]
    run("user", "assign", "rad1", "reader")
    assert run("user", "unassign", "rad1", "reader", "--json").json["roles"] == ["radiologist"]


def test_accounts_are_disabled_enabled_grouped_and_removed(run, people):
    run("user", "add", "rad1", "--password-stdin", stdin=PASSWORD)
    run("user", "disable", "rad1")
    assert not signs_in(people, "rad1", PASSWORD)
    run("user", "enable", "rad1")
    assert signs_in(people, "rad1", PASSWORD)
    assert run("user", "groups", "rad1", "b", "a", "--json").json["groups"] == ["a", "b"]
    assert run("user", "remove", "rad1").exit_code == 0
    assert run("user", "list", "--json").json == []


def test_every_change_is_recorded_as_the_operators(run, people):
    run("user", "add", "rad1", "--no-password", "--role", "radiologist")
    assert [event.kind for event in people.trail.events] == [EventKind.USER_CHANGED, EventKind.ROLE_CHANGED]
    assert {event.actor for event in people.trail.events} == {OPERATOR}


def test_lists_show_names_as_they_are_and_a_hint_when_empty(run):
    assert "pacsgate user add" in run("user", "list").out
    run(
        "user", "add", "rad1", "--no-password", "--display-name", "[bold]Dr. Réis[/bold]", "--group", "[red]x"
    )
    assert "[red]x" in run("user", "list").out
    assert "[bold]Dr. Réis[/bold]" in run("user", "show", "rad1").out
    assert run("user", "show", "rad1", "--json").json["display_name"] == "[bold]Dr. Réis[/bold]"
