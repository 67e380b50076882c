"""`/api/v1/studies/{uid}/permissions` through the gate's own door: who may pass on what, and what others are told."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.installation import trail_directory
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import MAIN, POLICY, Answer, OpenGate, ask, desk, open_gate

UNKNOWN = "1.2.3.4.5"
NIGHT = {"grantee_kind": "role", "grantee": "night", "actions": ["search", "view"]}
BREAKER = "  breaker: {may: [search, view], permissions: [GrantOwn]}\n"
BREAKING = """\
  - {id: break, effect: permit, roles: [breaker], obligations: {reason-required: true}}
"""
READ = {"grantee_kind": "role", "grantee": "reader", "actions": ["search", "view"]}


@dataclass
class House:
    opened: OpenGate
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def study(self) -> str:
        return self.opened.item.key.study_instance_uid

    def add(self, name: str, *roles: str, scope: AssignmentScope | None = None, scoped: str = "") -> None:
        office, change = desk(self.opened.installation)
        users = UserAdministration(office, Argon2Passwords())
        users.add(change, name)
        for role in roles:
            users.assign(change, name, Assignment(role))
        if scope is not None:
            users.assign(change, name, Assignment(scoped, scope))
        issued = TokenAdministration(office, RandomTokens()).issue(
            change, name, label="t", expires_at=change.at + timedelta(days=1)
        )
        self.tokens[name] = issued.text

    def ask(
        self,
        who: str | None,
        method: str = "GET",
        path: str = "",
        body: object = None,
        study: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        given = {} if who is None else {"authorization": f"Bearer {self.tokens[who]}"}
        given |= {"content-type": "application/json", **(headers or {})}
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith("/api") else f"/api/v1/studies/{study or self.study}/permissions{path}"
        return asyncio.run(ask(self.opened.app, url, raw, method, query.encode(), body=sent))

    def held(self) -> set[str]:
        found = self.opened.installation.stores.permissions.of_study(
            self.opened.installation.scope, self.study
        )
        return {str(each.holding) for each in found}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_gate(tmp_path_factory.mktemp("gate")) as opened:
        house = House(opened)
        office, change = desk(opened.installation)
        roles = RoleAdministration(office)
        for name, may, permission in (
            ("night", {Action.SEARCH, Action.VIEW}, None),
            ("officer", set(), Permission.GRANT_ADMINISTER),
            ("owner", {Action.SEARCH, Action.DELETE}, Permission.GRANT_OWN),
            ("remover", {Action.DELETE}, None),
            ("propagator", set(), Permission.GRANT_PROPAGATE),
        ):
            roles.add(change, Role(name, frozenset(may), frozenset({permission} if permission else ())))
        house.add("admin", "officer")
        house.add("own", "owner", "reader")
        house.add("spread", "owner", "reader", "propagator")
        house.add("blind", "owner")
        house.add("nobody", "reader")
        house.add("local", "reader", scope=AssignmentScope(archive=MAIN), scoped="officer")
        yield house


@pytest.fixture(autouse=True)
def clean(house: House) -> Iterator[None]:
    yield
    permissions, scope = house.opened.installation.stores.permissions, house.opened.installation.scope
    every = [(each.study_instance_uid, each.holding) for each in permissions.every(scope)]
    permissions.remove(scope, every, lambda _: ())


def body(answer: Answer) -> Any:
    return json.loads(answer.body)


def test_an_administrator_gives_lists_sets_and_takes(house: House) -> None:
    given = house.ask("admin", "POST", body=NIGHT)
    assert (given.status, [each["action"] for each in body(given)["added"]]) == (200, ["search", "view"])
    assert body(house.ask("admin", "POST", body=NIGHT)) == {"added": [], "removed": []}
    listed = body(house.ask("admin"))["permissions"]
    assert {(each["action"], each["grantee"], each["origin"], each["granted_by"]) for each in listed} == {
        (action, "night", "api", "admin") for action in ("search", "view")
    }
    changed = body(house.ask("admin", "PUT", "/role/night", {"actions": ["view"]}))
    assert (changed["added"], [each["action"] for each in changed["removed"]]) == ([], ["search"])
    taken = body(house.ask("admin", "DELETE", "/role/night"))
    assert [each["action"] for each in taken["removed"]] == ["view"]
    assert not house.held()


def test_some_actions_may_be_taken_and_others_stay(house: House) -> None:
    house.ask("admin", "POST", body=NIGHT)
    house.ask("admin", "DELETE", "/role/night", query="action=view&action=delete")
    assert house.held() == {"search:role:night"}


def test_an_administrator_may_permit_what_is_still_to_come(house: House) -> None:
    assert house.ask("admin", "POST", body=NIGHT, study=UNKNOWN).status == 200
    assert len(body(house.ask("admin", study=UNKNOWN))["permissions"]) == 2


def test_who_may_pass_on_nothing_is_told_so_before_anything_is_looked_up(house: House) -> None:
    for study in (house.study, UNKNOWN):
        assert house.ask("nobody", study=study).status == 403
        assert house.ask("nobody", "POST", body=NIGHT, study=study).status == 403


def test_who_administers_one_archive_gives_nothing_in_all(house: House) -> None:
    assert house.ask("local", "POST", body=NIGHT).status == 403
    assert not house.held()


def test_ones_own_may_be_passed_on_to_roles_that_one_has(house: House) -> None:
    assert house.ask("own", "POST", body=READ).status == 200
    assert house.held() == {"search:role:reader", "view:role:reader"}
    assert house.ask("own", "DELETE", "/role/reader").status == 200
    assert not house.held()


@pytest.mark.parametrize(
    ("who", "gift"),
    [
        ("own", NIGHT),
        ("own", {**READ, "grantee_kind": "user", "grantee": "nobody"}),
        ("own", {"grantee_kind": "role", "grantee": "owner", "actions": ["delete"]}),
        ("spread", {"grantee_kind": "role", "grantee": "owner", "actions": ["search", "delete"]}),
    ],
)
def test_neither_more_than_ones_own_nor_to_others(house: House, who: str, gift: object) -> None:
    assert house.ask(who, "POST", body=gift).status == 403
    assert not house.held()


def test_who_propagates_gives_to_anybody_and_still_only_ones_own(house: House) -> None:
    assert house.ask("spread", "POST", body=NIGHT).status == 200
    assert (
        house.ask("spread", "POST", body={**READ, "grantee_kind": "group", "grantee": "ward"}).status == 200
    )
    assert house.ask("spread", "PUT", "/role/owner", {"actions": ["delete"]}).status == 403


def test_nobody_takes_what_is_not_ones_own_to_give(house: House) -> None:
    house.ask("admin", "POST", body={"grantee_kind": "role", "grantee": "remover", "actions": ["delete"]})
    assert house.ask("spread", "DELETE", "/role/remover").status == 403
    assert house.held() == {"delete:role:remover"}


def test_what_one_is_permitted_is_ones_own_to_give(house: House) -> None:
    given = {"grantee_kind": "role", "grantee": "owner", "actions": ["delete"]}
    house.ask("admin", "POST", body=given)
    assert house.ask("spread", "POST", body={**given, "grantee": "remover"}).status == 200


def test_what_one_has_for_a_while_is_not_ones_own_to_give_for_good(house: House) -> None:
    office, change = desk(house.opened.installation)
    GrantAdministration(office).add(
        change,
        grantee=(GranteeKind.USER, "own"),
        target=(GrantTarget.STUDY, house.study),
        actions=frozenset({Action.DELETE}),
        expires=change.at + timedelta(days=1),
    )
    gift = {"grantee_kind": "role", "grantee": "owner", "actions": ["delete"]}
    assert house.ask("own", "POST", body=gift).status == 403


def test_a_hidden_study_is_answered_like_one_that_does_not_exist(house: House) -> None:
    told = [house.ask("blind", "POST", body=READ, study=study) for study in (house.study, UNKNOWN)]
    told += [house.ask("blind", study=study) for study in (house.study, UNKNOWN)]
    told += [house.ask("own", study=UNKNOWN)]
    assert {(each.status, each.body) for each in told} == {(404, b'{"error":"not found"}')}


def test_a_refusal_is_on_record(house: House) -> None:
    house.ask("own", "POST", body=NIGHT)
    entries = read_trail(trail_directory(house.opened.installation.settings))
    last = [entry.event for entry in entries if entry.event.kind is EventKind.DENIED][-1]
    assert (last.actor.name, last.study.study_instance_uid) == ("own", house.study)


@pytest.mark.parametrize(
    "gift",
    [
        {**NIGHT, "actions": []},
        {**NIGHT, "actions": ["store"]},
        {**NIGHT, "actions": ["fly"]},
        {**NIGHT, "actions": "search"},
        {**NIGHT, "grantee_kind": "dog"},
        {**NIGHT, "grantee": ""},
        {**NIGHT, "grantee": "x" * 300},
        {**NIGHT, "colour": "blue"},
        {**NIGHT, "actions": ["delete"]},
        b"{",
        b"[]",
        b"\xff",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_repeated(house: House, gift: object) -> None:
    answer = house.ask("admin", "POST", body=gift)
    assert answer.status == 400
    assert set(body(answer)) == {"error", "message"}
    assert b"blue" not in answer.body
    assert b"xxx" not in answer.body
    assert not house.held()


@pytest.mark.parametrize(
    ("gift", "said"),
    [
        ({**NIGHT, "actions": ["fly"]}, "`body.actions.0`: input should be 'search', "),
        ({**NIGHT, "grantee_kind": "dog"}, "`body.grantee_kind`: input should be 'user', 'group' or 'role'"),
        ({"actions": ["search"]}, "`body.grantee`: field required"),
        (b"{", "send a JSON object"),
    ],
)
def test_a_refusal_says_what_belongs_there(house: House, gift: object, said: str) -> None:
    assert said in body(house.ask("admin", "POST", body=gift))["message"]


def test_who_does_not_exist_is_given_nothing(house: House) -> None:
    assert house.ask("admin", "POST", body={**NIGHT, "grantee": "unheard-of"}).status == 404


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/studies/abc/permissions/x/y/z"])
def test_there_is_nothing_else(house: House, path: str) -> None:
    assert house.ask("admin", path=path).status == 404


def test_without_a_credential_nothing_is_told(house: House) -> None:
    for path in ("", "/api/v1/openapi.json", "/api/v1/nothing"):
        answer = house.ask(None, path=path)
        assert answer.status == 401
        assert "www-authenticate" in answer.headers


def test_a_page_of_another_site_changes_nothing(house: House) -> None:
    answer = house.ask("admin", "POST", body=NIGHT, headers={"sec-fetch-site": "cross-site"})
    assert answer.status == 403
    assert not house.held()


def test_a_body_that_is_too_long_is_not_read(house: House) -> None:
    assert house.ask("admin", "POST", body=b" " * 70_000).status == 413


def test_the_document_describes_the_interface(house: House) -> None:
    document = body(house.ask("admin", path="/api/v1/openapi.json"))
    assert document["openapi"].startswith("3.1")
    path = "/api/v1/studies/{study_instance_uid}/permissions"
    assert set(document["paths"][path]) == {"get", "post"}
    assert set(document["paths"][path + "/{grantee_kind}/{grantee}"]) == {"put", "delete"}


def test_no_answer_is_kept_by_a_cache(house: House) -> None:
    assert house.ask("admin").headers["cache-control"] == "no-store"


def test_what_one_has_by_stating_a_reason_is_not_ones_own_to_give(house: House) -> None:
    """Else who looks in an emergency gives the same without one, for good."""
    installation = house.opened.installation
    breaking = POLICY.replace("roles:\n", f"roles:\n{BREAKER}", 1) + BREAKING
    installation.settings.policy.write_text(breaking, "utf-8")
    PolicyWatch(installation).publish()
    try:
        house.add("break", "breaker")
        reason, gift = {"pacsgate-reason": "emergency"}, {**READ, "grantee": "breaker"}
        assert house.ask("break").status == 404
        assert house.ask("break", headers=reason).status == 200
        assert house.ask("break", "POST", body=gift, headers=reason).status == 403
        assert not house.held()
    finally:
        installation.settings.policy.write_text(POLICY, "utf-8")
        PolicyWatch(installation).publish()


def test_what_a_role_for_a_day_allows_is_not_ones_own_to_give_for_good(house: House) -> None:
    office, change = desk(house.opened.installation)
    house.add("locum", "owner")
    day = Assignment("reader", until=change.at + timedelta(days=1))
    UserAdministration(office, Argon2Passwords()).assign(change, "locum", day)
    assert house.ask("locum").status == 200
    gift = {"grantee_kind": "role", "grantee": "owner", "actions": ["search"]}
    assert house.ask("locum", "POST", body=gift).status == 403
    assert not house.held()
