"""How far a mandate reaches: nobody grows by administering, and somebody always still can."""

from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from tests.support.administered_gate import EVERYTHING, AdministeredGate
from tests.support.open_gate import POLICY

ADMINISTER, ASSIGN, LIST = Permission.USER_ADMINISTER, Permission.ROLE_ASSIGN, Permission.USER_LIST
DEVICES, TOKENS = Permission.DEVICE_ADMINISTER, Permission.TOKEN_ADMINISTER
ROLES = (
    Permission.ROLE_CREATE,
    Permission.ROLE_GET,
    Permission.ROLE_LIST,
    Permission.ROLE_UPDATE,
    Permission.ROLE_REMOVE,
)
WHY = {"reason": "a lost badge"}

AGAINST_AN_ACCOUNT = [
    ("PATCH", "/users/{}", {"disabled": True}),
    ("PATCH", "/users/{}", {"groups": []}),
    ("PATCH", "/users/{}", {"until": "2999-01-01T00:00:00Z"}),
    ("DELETE", "/users/{}", None),
    ("PUT", "/locks/user/{}", WHY),
    ("DELETE", "/locks/user/{}", None),
    ("DELETE", "/users/{}/sessions", None),
    ("DELETE", "/users/{}/factors", None),
    ("POST", "/users/{}/reset-code", None),
    ("POST", "/users/{}/assignments", {"role": "reader"}),
    ("DELETE", "/users/{}/assignments?role=reader", None),
    ("GET", "/users/{}/tokens", None),
]


def helpdesk(gate: AdministeredGate) -> str:
    return gate.holder(ADMINISTER, ASSIGN, LIST, TOKENS, DEVICES, *ROLES)


def ask(gate: AdministeredGate, who: str, method: str, path: str, body: object) -> int:
    url, _, query = path.partition("?")
    return gate.ask(who, method, url, body, query=query).status


@pytest.mark.parametrize(("method", "path", "body"), AGAINST_AN_ACCOUNT)
def test_nobody_administers_their_own_account(
    gate: AdministeredGate, method: str, path: str, body: object
) -> None:
    me = helpdesk(gate)
    assert ask(gate, me, method, path.format(me), body) == 403


@pytest.mark.parametrize(("method", "path", "body"), AGAINST_AN_ACCOUNT)
def test_nobody_touches_who_holds_more(gate: AdministeredGate, method: str, path: str, body: object) -> None:
    stronger = gate.user(gate.role(*EVERYTHING), "reader")
    assert ask(gate, helpdesk(gate), method, path.format(stronger), body) == 403
    record = gate.office.directory.user(gate.change.scope, stronger)
    assert record is not None
    assert not record.disabled
    assert not record.is_locked
    assert {given.role for given in record.assignments} > {"reader"}


def test_a_disabled_administrator_is_not_enabled_by_who_holds_less(gate: AdministeredGate) -> None:
    former = gate.user(gate.role(*EVERYTHING))
    gate.users.set_disabled(gate.change, former, disabled=True)
    told = gate.ask(helpdesk(gate), "PATCH", f"/users/{former}", {"disabled": False})
    assert told.status == 403
    assert "AuditRead" in told.message


def test_a_role_that_begins_tomorrow_counts_already(gate: AdministeredGate) -> None:
    tomorrow = gate.change.at + timedelta(days=1)
    later = gate.user()
    gate.users.assign(gate.change, later, Assignment(gate.role(*EVERYTHING), starts=tomorrow))
    assert gate.ask(helpdesk(gate), "PUT", f"/locks/user/{later}", WHY).status == 403


def test_nobody_assigns_a_role_that_carries_more_than_they_hold(gate: AdministeredGate) -> None:
    strong, other = gate.role(Permission.AUDIT_READ), gate.user()
    told = gate.ask(helpdesk(gate), "POST", f"/users/{other}/assignments", {"role": strong})
    assert (told.status, "AuditRead" in told.message) == (403, True)
    assert gate.ask(helpdesk(gate), "GET", f"/users/{other}").body["assignments"] == []


def test_nor_by_way_of_a_group_to_which_the_policy_gives_it(gate: AdministeredGate) -> None:
    installation = gate.opened.installation
    strong, other = gate.role(Permission.AUDIT_READ), gate.user()
    given = f"assignments:\n  - {{groups: [auditors], roles: [{strong}]}}\n"
    installation.settings.policy.write_text(POLICY + given, "utf-8")
    PolicyWatch(installation).publish()
    try:
        asked = gate.ask(helpdesk(gate), "PATCH", f"/users/{other}", {"groups": ["auditors"]})
        made = gate.ask(helpdesk(gate), "POST", "/users", {"name": "new-auditor", "groups": ["auditors"]})
        assert (asked.status, made.status) == (403, 403)
        everything = gate.holder(*EVERYTHING)
        assert gate.ask(everything, "PATCH", f"/users/{other}", {"groups": ["auditors"]}).status == 200
        told = gate.ask(everything, "GET", f"/users/{other}").body
        assert told["assignments"][0]["defined_at"].startswith("policy.yaml:")
        found = gate.ask(everything, "GET", "/users", query=f"role={strong}").body["users"]
        assert [user["name"] for user in found] == [other]
        groups = gate.ask(everything, "GET", "/groups", query="limit=1000").body["groups"]
        assert {"name": "auditors", "members": 1, "roles": [strong]} in groups
        assert gate.ask(helpdesk(gate), "PUT", f"/locks/user/{other}", WHY).status == 403
    finally:
        installation.settings.policy.write_text(POLICY, "utf-8")
        PolicyWatch(installation).publish()


@pytest.mark.parametrize("how", ["itself", "by what it extends"])
def test_nobody_defines_a_role_that_carries_more_than_they_hold(gate: AdministeredGate, how: str) -> None:
    strong = gate.role(Permission.AUDIT_READ)
    carries = {"permissions": ["AuditRead"]} if how == "itself" else {"extends": [strong]}
    weak = gate.role()
    assert gate.ask(helpdesk(gate), "POST", "/roles", {"name": gate.name("r"), **carries}).status == 403
    assert gate.ask(helpdesk(gate), "PUT", f"/roles/{weak}", carries).status == 403
    assert gate.ask(helpdesk(gate), "PUT", f"/roles/{strong}", {}).status == 403
    assert gate.ask(helpdesk(gate), "DELETE", f"/roles/{strong}").status == 403


def test_nobody_changes_a_role_that_they_have(gate: AdministeredGate) -> None:
    mine = gate.role(*ROLES, LIST)
    me = gate.caller(mine)
    assert gate.ask(me, "PUT", f"/roles/{mine}", {"may": ["delete"]}).status == 403
    assert gate.ask(me, "DELETE", f"/roles/{mine}").status == 403


def test_what_one_holds_for_a_day_undoes_nobody_who_holds_it_for_good(gate: AdministeredGate) -> None:
    """Else a deputy for the weekend could be the only administrator on Monday, and nobody on Tuesday."""
    administrator = gate.role(*EVERYTHING)
    deputy, chief, patient = gate.caller(), gate.user(administrator), gate.user()
    tomorrow = gate.change.at + timedelta(days=1)
    gate.users.assign(gate.change, deputy, Assignment(administrator, until=tomorrow))
    assert gate.ask(deputy, "PATCH", f"/users/{patient}", {"disabled": True}).status == 200
    assert gate.ask(deputy, "PATCH", f"/users/{chief}", {"disabled": True}).status == 403
    assert gate.ask(deputy, "POST", f"/users/{patient}/assignments", {"role": administrator}).status == 403


def test_nor_does_who_has_an_account_for_a_while(gate: AdministeredGate) -> None:
    deputy, chief = gate.caller(gate.role(*EVERYTHING)), gate.user(gate.role(*EVERYTHING))
    gate.users.set_window(gate.change, deputy, None, gate.now + timedelta(days=1))
    assert gate.ask(deputy, "PUT", f"/locks/user/{chief}", WHY).status == 403
    assert gate.ask(deputy, "PUT", f"/locks/user/{gate.user()}", WHY).status == 200


def test_equals_may_relieve_each_other_and_one_always_remains(gate: AdministeredGate) -> None:
    administrator = gate.role(*EVERYTHING)
    first, second = gate.caller(administrator), gate.caller(administrator)
    assert gate.ask(first, "PATCH", f"/users/{second}", {"disabled": True}).status == 200
    assert gate.ask(second, "PATCH", f"/users/{first}", {"disabled": True}).status == 401
    for method, path, body in AGAINST_AN_ACCOUNT:
        assert ask(gate, first, method, path.format(first), body) == 403
    assert gate.ask(first, "GET", "/me").body["permissions"] == sorted(EVERYTHING)


def test_nobody_makes_a_token_for_a_person_or_for_who_holds_more(gate: AdministeredGate) -> None:
    soon = (gate.now + timedelta(days=1)).isoformat()
    body = {"label": "key", "expires_at": soon}
    person, feed = gate.user(), gate.user(kind=SubjectKind.SERVICE)
    strong = gate.user(gate.role(*EVERYTHING), kind=SubjectKind.SERVICE)
    desk = helpdesk(gate)
    statuses = [gate.ask(desk, "POST", f"/users/{who}/tokens", body).status for who in (person, strong, feed)]
    assert statuses == [403, 403, 201]


def test_no_device_stands_for_an_account_beyond_ones_reach(gate: AdministeredGate) -> None:
    strong, device = gate.user(gate.role(*EVERYTHING)), gate.device()
    entry = {"owner": "me", "networks": ["10.0.0.0/8"], "account": strong}
    assert gate.ask(helpdesk(gate), "POST", "/devices", {**entry, "ae_title": "BACKDOOR"}).status == 403
    assert gate.ask(helpdesk(gate), "PUT", f"/devices/{device}", entry).status == 403


def test_nor_does_one_vouch_for_somebody_beyond_it(gate: AdministeredGate) -> None:
    """A device that vouches for a group signs its members in over DIMSE, without any passcode."""
    strong, group = gate.user(gate.role(*EVERYTHING)), gate.name("group")
    gate.users.set_groups(gate.change, strong, frozenset({group}))
    entry = {"owner": "me", "networks": ["10.0.0.0/8"], "vouches_for": [group]}
    me, device = helpdesk(gate), gate.device()
    assert gate.ask(me, "POST", "/devices", {**entry, "ae_title": "VOUCHER"}).status == 403
    assert gate.ask(me, "PUT", f"/devices/{device}", entry).status == 403
    gate.users.set_groups(gate.change, me, frozenset({mine := gate.name("group")}))
    assert gate.ask(me, "PUT", f"/devices/{device}", {**entry, "vouches_for": [mine]}).status == 403
    assert gate.ask(gate.holder(*EVERYTHING), "PUT", f"/devices/{device}", entry).status == 200


def test_a_device_of_an_account_beyond_ones_reach_is_not_moved_to_another_place(
    gate: AdministeredGate,
) -> None:
    strong, device = gate.user(gate.role(*EVERYTHING)), gate.device()
    entry = {"owner": "me", "networks": ["10.0.0.0/8"], "account": strong}
    assert gate.ask(gate.holder(*EVERYTHING), "PUT", f"/devices/{device}", entry).status == 200
    me = helpdesk(gate)
    for moved in ({"networks": ["192.0.2.1/32"]}, {"networks": [], "title_is_enough": True}):
        assert gate.ask(me, "PUT", f"/devices/{device}", {**entry, **moved}).status == 403
    assert gate.ask(me, "PUT", f"/devices/{device}", {**entry, "description": "room 4"}).status == 200


def test_nor_is_it_let_in_again_by_who_may_keep_it_out(gate: AdministeredGate) -> None:
    strong, device = gate.user(gate.role(*EVERYTHING)), gate.device()
    path, everything, me = f"/devices/{device}", gate.holder(*EVERYTHING), helpdesk(gate)
    entry = {"owner": "me", "networks": ["10.0.0.0/8"], "account": strong}
    ended = {**entry, "valid_until": (gate.now + timedelta(days=1)).isoformat()}
    assert gate.ask(everything, "PUT", path, ended).status == 200
    assert gate.ask(me, "PUT", path, entry).status == 403
    assert gate.ask(me, "PUT", path, {**ended, "disabled": True}).status == 200
    assert gate.ask(me, "PUT", path, ended).status == 403
    assert gate.ask(everything, "PUT", path, ended).status == 200
    assert gate.ask(me, "PUT", f"/locks/device/{device}", WHY).status == 200
    assert gate.ask(me, "DELETE", f"/locks/device/{device}").status == 403
    assert gate.ask(everything, "DELETE", f"/locks/device/{device}").status == 204


def test_a_token_that_was_narrowed_to_images_administers_nothing(gate: AdministeredGate) -> None:
    everything, feed = gate.holder(*EVERYTHING), gate.user(kind=SubjectKind.SERVICE)
    gate.users.assign(gate.change, feed, Assignment(gate.role(*EVERYTHING)))
    soon = (gate.now + timedelta(days=1)).isoformat()
    body = {"label": "key", "expires_at": soon, "actions": ["view"]}
    issued = gate.ask(everything, "POST", f"/users/{feed}/tokens", body)
    gate.tokens[feed] = issued.body["token"]
    assert gate.ask(feed, "GET", "/users").status == 403


def test_a_refusal_is_on_record(gate: AdministeredGate) -> None:
    me = helpdesk(gate)
    gate.ask(me, "DELETE", f"/users/{me}")
    last = gate.events(EventKind.DENIED)[-1]
    assert (last.actor.name, last.reasons) == (me, ("no-permission",))
