"""What `/api/v1` answers: pages of lists, states that have moved on, what cannot be read, and oneself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment
from pacsgate.ports.groups import GroupRecord
from tests.support.administered_gate import EVERYTHING, AdministeredGate

AT_ONCE, ROUNDS = 3, 3

LIST, ADMINISTER = Permission.USER_LIST, Permission.USER_ADMINISTER


def admin(gate: AdministeredGate) -> str:
    return gate.holder(*EVERYTHING)


def test_pages_of_a_list_hold_every_row_once_whatever_comes_meanwhile(gate: AdministeredGate) -> None:
    group = gate.name("group")
    members = [gate.user() for _ in range(5)]
    for name in members:
        gate.users.set_groups(gate.change, name, frozenset({group}))
    seen, cursor = [], ""
    while True:
        told = gate.ask(admin(gate), "GET", "/users", query=f"group={group}&limit=2{cursor}").body
        seen += [user["name"] for user in told["users"]]
        gate.users.add(gate.change, f"a-{gate.name('newcomer')}", groups=frozenset({group}))
        if told["next"] is None:
            break
        cursor = f"&cursor={told['next']}"
    assert seen == sorted(members)


def test_accounts_are_found_by_name_group_role_kind_and_state(gate: AdministeredGate) -> None:
    name, role, group = gate.user(), gate.role(), gate.name("group")
    gate.users.assign(gate.change, name, Assignment(role))
    gate.users.set_groups(gate.change, name, frozenset({group}))
    gate.users.set_display_name(gate.change, name, f"Ada {group.upper()}")

    def found(query: str) -> list[str]:
        told = gate.ask(admin(gate), "GET", "/users", query=query).body
        return [user["name"] for user in told["users"]]

    for query in (f"search={name}", f"search={group}", f"group={group}", f"role={role}"):
        assert found(f"{query}&state=active&kind=user&source=") == [name]
        assert found(f"{query}&state=disabled") == []
        assert found(f"{query}&kind=device") == []
        assert found(f"{query}&source=elsewhere") == []


def test_a_group_that_a_source_keeps_is_there_without_members(gate: AdministeredGate) -> None:
    name = gate.name("kept")
    event = gate.change.event(EventKind.USER_CHANGED, "group added", name)
    gate.opened.installation.stores.groups.add_group(gate.change.scope, GroupRecord(name), event)
    told = gate.ask(admin(gate), "GET", f"/groups/{name}")
    assert (told.status, told.body["members"]) == (200, [])
    assert gate.ask(admin(gate), "GET", "/groups/nobody-heard-of-it").status == 404


@pytest.mark.parametrize("what", ["users", "roles", "devices"])
def test_a_change_from_an_older_state_is_refused(gate: AdministeredGate, what: str) -> None:
    """Two administrators have the same page open; the second to save would undo what the first did."""
    path, method, first, second = {
        "users": (gate.user, "PATCH", {"groups": ["a"]}, {"groups": ["b"]}),
        "roles": (gate.role, "PUT", {"owner": "a"}, {"owner": "b"}),
        "devices": (gate.device, "PUT", {"owner": "a"}, {"owner": "b"}),
    }[what]
    url = f"/{what}/{path()}"
    read = {"if-match": gate.ask(admin(gate), "GET", url).headers["etag"]}
    changed = gate.ask(admin(gate), method, url, first, headers=read)
    assert changed.status == 200
    refused = gate.ask(admin(gate), method, url, second, headers=read)
    assert (refused.status, refused.body["error"]) == (412, "precondition failed")
    again = {"if-match": changed.headers["etag"]}
    assert gate.ask(admin(gate), method, url, second, headers=again).status == 200


@pytest.mark.parametrize("what", ["users", "roles", "devices"])
def test_of_changes_from_one_state_at_the_same_instant_one_is_made(gate: AdministeredGate, what: str) -> None:
    path, method = {
        "users": (gate.user, "PATCH"),
        "roles": (gate.role, "PUT"),
        "devices": (gate.device, "PUT"),
    }[what]
    url, asker = f"/{what}/{path()}", admin(gate)
    together = Barrier(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(ROUNDS):
            read = {"if-match": gate.ask(asker, "GET", url).headers["etag"]}

            def change(who: int, read: dict[str, str] = read, number: int = number) -> int:
                value = f"{number}-{who}"
                body = {"display_name": value} if what == "users" else {"owner": value}
                together.wait()
                return gate.ask(asker, method, url, body, headers=read).status

            assert sorted(threads.map(change, range(AT_ONCE))) == [200, *[412] * (AT_ONCE - 1)]


def test_a_sign_in_is_no_change_of_an_account(gate: AdministeredGate) -> None:
    name = gate.user()
    before = gate.ask(admin(gate), "GET", f"/users/{name}").headers["etag"]
    gate.office.directory.note_sign_in(gate.change.scope, name, gate.now)
    assert gate.ask(admin(gate), "GET", f"/users/{name}").headers["etag"] == before


def test_what_was_made_is_where_its_answer_says(gate: AdministeredGate) -> None:
    made = gate.ask(admin(gate), "POST", "/users", {"name": gate.name("new"), "display_name": "Ada"})
    shown = gate.ask(admin(gate), "GET", made.headers["location"])
    assert (made.status, shown.status, shown.body, shown.headers["etag"]) == (
        201,
        200,
        made.body,
        made.headers["etag"],
    )


def test_a_patch_leaves_alone_what_it_does_not_name(gate: AdministeredGate) -> None:
    name, until = gate.user("reader"), "2999-01-01T00:00:00+02:00"
    url = f"/users/{name}"
    gate.ask(admin(gate), "PATCH", url, {"groups": ["ward"], "display_name": "Ada"})
    told = gate.ask(admin(gate), "PATCH", url, {"until": until}).body
    assert (told["groups"], told["display_name"], told["until"]) == (["ward"], "Ada", "2998-12-31T22:00:00Z")
    told = gate.ask(admin(gate), "PATCH", url, {"disabled": True}).body
    assert (told["state"], told["until"], told["starts"]) == ("disabled", "2998-12-31T22:00:00Z", None)
    assert gate.ask(admin(gate), "PATCH", url, {"until": None, "disabled": False}).body["until"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {"name": "x", "password": "secret"}),
        ("POST", "/users", {"name": "x", "kind": "secret"}),
        ("POST", "/users", {"name": "x", "until": "secret"}),
        ("POST", "/users", {"name": "x", "attributes": {"clearance": ["secret"]}}),
        ("POST", "/roles", {"name": "x", "may": ["secret"]}),
        ("POST", "/devices", {"ae_title": "X", "owner": "x", "port": "secret"}),
        ("POST", "/grants", {"grantee_kind": "secret"}),
        ("PUT", "/locks/user/ada", {"reason": "secret", "until": "secret"}),
        ("GET", "/users?limit=secret", None),
        ("GET", "/users?state=secret", None),
        ("GET", "/users?cursor=secret", None),
    ],
)
def test_what_cannot_be_read_is_said_without_repeating_it(
    gate: AdministeredGate, method: str, path: str, body: object
) -> None:
    url, _, query = path.partition("?")
    told = gate.ask(admin(gate), method, url, body, query=query)
    assert (told.status, set(told.body), b"secret" in told.raw) == (400, {"error", "message"}, False)


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/users", {"name": "no spaces"}, "cannot be a user name"),
        ("POST", "/users", {"name": "x", "until": "2001-01-01T00:00:00Z"}, "must end after it begins"),
        ("POST", "/users", {"name": "x", "until": "0001-01-01T00:00:00+14:00"}, "between 1 and 9999"),
        ("POST", "/devices", {"ae_title": "X", "owner": "x", "networks": ["10/33"]}, "is no network"),
        ("PUT", "/locks/user/ada", {"reason": "two\nlines"}, "a lock needs a reason in one line"),
    ],
)
def test_what_makes_no_sense_is_said_with_what_would(
    gate: AdministeredGate, method: str, path: str, body: object, said: str
) -> None:
    told = gate.ask(admin(gate), method, path, body)
    assert (told.status, said in told.message) == (400, True)


def test_a_role_of_a_policy_file_is_changed_there(gate: AdministeredGate) -> None:
    for method, body in (("PUT", {"may": []}), ("DELETE", None)):
        told = gate.ask(admin(gate), method, "/roles/reader", body)
        assert (told.status, "policy.yaml:3" in told.message) == (409, True)


def test_everybody_may_know_who_they_are(gate: AdministeredGate) -> None:
    me = gate.holder(LIST)
    told = gate.ask(me, "GET", "/me").body
    assert (told["name"], told["permissions"], told["credential"]) == (me, ["UserList"], "token")
    assert told["assignments"][0]["archive"] is None


def test_ones_own_sessions_are_listed_and_ended_and_nobody_elses(gate: AdministeredGate) -> None:
    me, other = gate.user(), gate.user()
    mine, cookie = gate.session(me)
    second, _ = gate.session(me)
    foreign, _ = gate.session(other)
    listed = gate.ask(None, "GET", "/me/sessions", cookie=cookie).body["sessions"]
    assert {(one["session_id"], one["is_this"]) for one in listed} == {(mine, True), (second, False)}
    same_site = {"sec-fetch-site": "same-origin"}

    def end(path: str) -> int:
        return gate.ask(None, "DELETE", path, cookie=cookie, headers=same_site).status

    assert end(f"/me/sessions/{foreign}") == 404
    assert end(f"/me/sessions/{second}") == 204
    gate.session(me)
    assert gate.ask(None, "DELETE", "/me/sessions", cookie=cookie, headers=same_site).body == {"ended": 1}
    assert end(f"/me/sessions/{mine}") == 204
    assert end("/me/sessions") == 401


def test_a_token_is_made_in_a_session_of_ones_own_and_revoked_there(gate: AdministeredGate) -> None:
    me, other = gate.user("reader"), gate.user()
    _, cookie = gate.session(me)
    same_site = {"sec-fetch-site": "same-origin"}
    body = {"label": "key", "expires_at": (gate.now + timedelta(days=1)).isoformat()}
    made = gate.ask(None, "POST", "/me/tokens", body, cookie=cookie, headers=same_site)
    gate.tokens[me] = made.body["token"]
    assert (made.status, gate.ask(me, "GET", "/me").body["name"]) == (201, me)
    assert gate.ask(me, "POST", "/me/tokens", body).status == 409
    listed = gate.ask(me, "GET", "/me/tokens")
    assert (len(listed.body["tokens"]), made.body["token"] in listed.raw.decode()) == (1, False)
    foreign = gate.token_of(other)
    assert gate.ask(me, "DELETE", f"/me/tokens/{foreign}").status == 404
    assert gate.ask(me, "DELETE", made.headers["location"]).status == 204
    assert gate.ask(me, "GET", "/me").status == 401
