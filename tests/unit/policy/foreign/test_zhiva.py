"""The role lists of seed 000: every cell of their table, and every way in which the files may be otherwise."""

from dataclasses import replace
from itertools import product

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.errors import PolicyError
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.foreign.reading import ORTHANC_PERMISSIONS
from pacsgate.policy.foreign.registry import kept
from pacsgate.policy.foreign.zhiva.let_through import LET_THROUGH
from pacsgate.policy.policy import Policy
from pacsgate.policy.reference import decide
from tests.support.seed_000 import LUA, ORTHANC_JSON, SAMPLE_PASSWORDS, SOURCES
from tests.unit.policy.hospital import INSIDE, MAIN, person, study

VIEWING = {Action.SEARCH, Action.VIEW, Action.RETRIEVE}
EDITING = {Action.STORE, Action.APPEND, Action.ANNOTATE, Action.UPDATE}

USERS = {"viewer": "v", "editor": "e", "viewer and editor": "ve", "admin": "a", "not listed": "n"}
ACTIONS = {
    "viewer": VIEWING,
    "editor": EDITING,
    "viewer and editor": VIEWING | EDITING,
    "admin": set(Action),
    "not listed": set(),
}

EVERYBODY = """{"RegisteredUsers": {"v": "x", "e": "x", "ve": "x", "a": "x", "n": "x", "va": "x"}}"""
LISTS = "local viewers = {'v', 've', 'va'}\nlocal editors = {'e', 've'}\nlocal admins = {'a', 'va'}\n"

READS = ["GET", "HEAD", "OPTIONS", "PROPFIND"]
URIS = ["/patients", "/studies/x/archive", "/tools/find", "/jobs", "/pacs/studies", "/dicom-web/studies/1.2"]
TABLE = [
    *((method, uri, ("viewer", "viewer and editor", "admin")) for method, uri in product(READS, URIS)),
    ("POST", "/instances", ("editor", "viewer and editor", "admin")),
    ("POST", "/pacs/studies", ("editor", "viewer and editor", "admin")),
    ("POST", "/dicom-web/studies", ("editor", "viewer and editor", "admin")),
    ("POST", "/studies/x/modify", ("editor", "viewer and editor", "admin")),
    ("POST", "/studies/x/anonymize", ("editor", "viewer and editor", "admin")),
    ("POST", "/modalities/x/store", ("editor", "viewer and editor", "admin")),
    ("POST", "/peers/x/store", ("editor", "viewer and editor", "admin")),
    ("POST", "/tools/find", ("admin",)),
    ("POST", "/tools/create-archive", ("admin",)),
    ("POST", "/x/tools/y", ("admin",)),
    ("POST", "/xtools/y", ("admin",)),
    *(("PUT", uri, ("admin",)) for uri in ("/studies/x/labels/l", "/modalities/x", "/webdav/x", "/tools/y")),
    *(("DELETE", uri, ("admin",)) for uri in ("/studies/x", "/dicom-web/studies/1.2", "/tools/y")),
    *((method, "/studies", ("admin",)) for method in ("PATCH", "LOCK", "BREW")),
]
"""orthanc.md 5.1: who may send which request."""


def policy(lua: str = LISTS, users: str = EVERYBODY) -> Policy:
    return load_policy({"zhiva:orthanc.json": users, "zhiva:filter.lua": lua})


def on(method: str, path: str) -> Context:
    return replace(INSIDE, request=RequestLine(method, path))


def allowed(found: Policy, user: str, context: Context, action: Action) -> bool:
    """By the engine and by its slow double, which must agree."""
    subject = person(name=user)
    quick = bind(found, subject, context, MAIN, ()).decide(action, study())
    slow = decide(found, subject, context, MAIN, (), action, study())
    assert isinstance(quick, Allow) is isinstance(slow, Allow)
    return isinstance(quick, Allow)


ZHIVA = policy()


@pytest.mark.parametrize(("method", "uri", "columns"), TABLE, ids=str)
def test_a_request_passes_if_the_table_says_yes_and_its_action_is_the_role_s(
    method: str, uri: str, columns: tuple[str, ...]
) -> None:
    context = on(method, uri)
    for column, user in USERS.items():
        expected = ACTIONS[column] if column in columns else set()
        assert {action for action in Action if allowed(ZHIVA, user, context, action)} == expected, column


@pytest.mark.parametrize("column", USERS)
def test_where_there_is_no_request_line_the_action_decides_alone(column: str) -> None:
    found = {action for action in Action if allowed(ZHIVA, USERS[column], INSIDE, action)}
    assert found == ACTIONS[column]


def test_without_a_request_line_nothing_opens_that_no_request_would_open() -> None:
    requests = [on(method, uri) for method, uri, _ in TABLE]
    for user, action in product(USERS.values(), Action):
        by_some_request = any(allowed(ZHIVA, user, context, action) for context in requests)
        assert allowed(ZHIVA, user, INSIDE, action) is by_some_request


def test_an_admin_who_is_in_other_lists_too_is_an_admin() -> None:
    assert allowed(ZHIVA, "va", on("DELETE", "/studies/x"), Action.DELETE)


def test_the_files_of_the_guide_give_each_of_its_users_a_role() -> None:
    roles = {
        user: given.assignment.role for given in load_policy(SOURCES).assignments for user in given.users
    }
    assert roles == {
        "zhiva": "zhiva-viewer",
        "zhiva-editor": "zhiva-viewer-editor",
        "zhiva-admin": "zhiva-admin",
    }


def test_the_server_itself_is_for_admins_alone() -> None:
    held = {
        name: role.permissions for name, role in load_policy(SOURCES).own_roles.items() if role.permissions
    }
    assert held == {"zhiva-admin": ORTHANC_PERMISSIONS}


def test_a_list_in_a_comment_or_a_string_is_none() -> None:
    lua = (
        "--[[ local viewers = {'mallory'} ]]\nlocal s = \"local admins = {'mallory'}\" -- admins = {'mallory'}\n"
        "local t = [==[\nlocal admins = {'mallory'}\n]]]==]\n" + LISTS
    )
    assert [given.users for given in policy(lua).assignments] == [given.users for given in ZHIVA.assignments]


def test_both_quotes_semicolons_empty_lists_and_globals_are_lists_too() -> None:
    lua = "viewers = {\"v\"; 've',}; local editors = {}\nadmins={ -- none\n}\n"
    roles = {user: given.assignment.role for given in policy(lua).assignments for user in given.users}
    assert roles == {"v": "zhiva-viewer", "ve": "zhiva-viewer"}


@pytest.mark.parametrize(
    ("lua", "said"),
    [
        ("local viewers = {'v'}\nlocal editors = {}", "filter.lua: the list `admins` is not there"),
        (LISTS + "viewers = {'n'}", "4:1: the list `viewers` is given a second time"),
        (LISTS + "table.insert(admins, 'n')", "4:7: the list `admins` is changed here"),
        (LISTS + "rawset(admins, 3, 'n')", "4:1: the list `admins` is changed here"),
        ("local x, viewers = {'n'}", "the list `viewers` is not there"),
        ("local t = {viewers = {'n'}}", "1:12: the list `viewers` is given inside a block"),
        ("t.viewers = {'n'}", "the list `viewers` is not there"),
        (LISTS + "if x then admins[#admins + 1] = 'n' end", "4:11: the list `admins` is changed here"),
        (LISTS + "function f() viewers = {'n'} end", "4:14: the list `viewers` is given inside a block"),
        (LISTS.replace("{'a', 'va'}", "everybody()"), "3:7: the list `admins` is no list"),
        (
            LISTS.replace("{'a', 'va'}", "{'a', root}"),
            "3:22: the list `admins` holds more than plain strings",
        ),
        (
            LISTS.replace("{'a', 'va'}", "{'a', 'x' .. 'y'}"),
            "the list `admins` holds more than plain strings",
        ),
        (LISTS.replace("{'a', 'va'}", "{[1]='a'}"), "the list `admins` holds more than plain strings"),
        (LISTS.replace("{'a', 'va'}", "{'\\97'}"), "the list `admins` holds more than plain strings"),
        (LISTS.replace("{'a', 'va'}", "{'a'"), "the list `admins` holds more than plain strings"),
        (LISTS.replace("{'a', 'va'}", "{'a'} or all"), "3:22: the list `admins` goes on"),
    ],
)
def test_a_list_that_is_not_plain_is_refused(lua: str, said: str) -> None:
    with pytest.raises(PolicyError) as raised:
        policy(lua)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("users", "said"),
    [
        ("{}", "orthanc.json:1:1: there is no `RegisteredUsers`"),
        ('{"RegisteredUsers": []}', "must be a mapping"),
        ('{"RegisteredUsers": {"v": 1}}', "the password of `v` is no string"),
        ('{"RegisteredUsers": {"v": "x", "v": "y"}}', "`v` is here twice"),
        ("", "not JSON"),
    ],
)
def test_registered_users_that_cannot_be_read_are_refused(users: str, said: str) -> None:
    with pytest.raises(PolicyError) as raised:
        policy(users=users)
    assert said in str(raised.value)


@pytest.mark.parametrize("secret", ["hunter2x", "'hunter2x'", '"hunter2x', '"hunter2x\\x"', '["hunter2x"]'])
def test_no_problem_quotes_a_password_however_it_was_miswritten(secret: str) -> None:
    with pytest.raises(PolicyError) as raised:
        policy(users=f'{{"RegisteredUsers": {{"v": {secret}}}}}')
    assert "hunter2x" not in str(raised.value)


def test_both_files_are_needed() -> None:
    with pytest.raises(PolicyError, match="needs Orthanc's configuration and one Lua script"):
        load_policy({"zhiva:filter.lua": LISTS})
    with pytest.raises(PolicyError, match="needs Orthanc's configuration and one Lua script"):
        load_policy({"zhiva:orthanc.json": EVERYBODY})


def test_somebody_who_could_never_sign_in_has_no_role_and_somebody_in_no_list_has_none_either() -> None:
    found = policy(LISTS.replace("'v'", "'v', 'ghost'"))
    assert not any("ghost" in given.users for given in found.assignments)
    said = [str(diagnostic) for diagnostic in found.left]
    assert any(each.startswith("filter.lua:1:23: `ghost` is in a list") for each in said)
    assert any("`n` is registered, but in no list" in each for each in said)


def test_other_lua_is_named_by_its_lines_and_not_run() -> None:
    said = [str(diagnostic) for diagnostic in load_policy(SOURCES).left]
    assert (
        "IncomingHttpRequestFilter.lua:6:1: the Lua of lines 6 to 27 is not run (what is allowed is the table of the guide)"
        in said
    )


def test_everything_that_the_lua_let_through_besides_is_a_row_of_the_report() -> None:
    said = "\n".join(str(diagnostic) for diagnostic in load_policy(SOURCES).left)
    for row in LET_THROUGH:
        assert row.request in said
    for route in ("/modalities/{name}/store", "/exports", "/jobs", "/modalities", "any route of any plugin"):
        assert route in said
    nobody = policy("viewers={} editors={} admins={}")
    assert not any("could send" in str(diagnostic) for diagnostic in nobody.left)


def test_no_password_is_kept_and_nothing_else_is_lost() -> None:
    reduced = kept("zhiva:orthanc.json", ORTHANC_JSON)
    for secret in SAMPLE_PASSWORDS.values():
        assert secret in ORTHANC_JSON
        assert secret not in reduced
    assert "8042" not in reduced
    whole = load_policy(SOURCES)
    cut = load_policy({**SOURCES, "zhiva:orthanc.json": reduced})
    assert (cut.assignments, cut.rules, cut.roles) == (whole.assignments, whole.rules, whole.roles)
    assert [(d.line, d.message) for d in cut.left] == [(d.line, d.message) for d in whole.left]
    assert kept("zhiva:filter.lua", LUA) == LUA


def test_what_cannot_be_cut_down_is_not_kept_at_all() -> None:
    with pytest.raises(PolicyError, match="not JSON"):
        kept("zhiva:orthanc.json", ORTHANC_JSON[:-20])
