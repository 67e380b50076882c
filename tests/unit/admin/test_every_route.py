"""Every route of `/api/v1`, asked by six kinds of callers: who may, and what the others are told.

The rows are checked against the application's own document: a new route without a row fails.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pacsgate.model.permission import Permission
from pacsgate.model.subject import SubjectKind
from tests.support.administered_gate import EVERYTHING, AdministeredGate

STUDY = "/studies/{study_instance_uid}/permissions"


@dataclass(frozen=True)
class Row:
    """One route: what it is asked with, of something new each time, and what its caller is told."""

    route: str
    needs: Permission | None
    status: int
    path: Callable[[AdministeredGate], str]
    body: object = None
    query: str = ""
    elsewhere: int = 404
    """What somebody is told who holds everything in another tenant, where there is nothing of this name."""


def at(path: str) -> Callable[[AdministeredGate], str]:
    return lambda _: path


def of_user(path: str, kind: SubjectKind = SubjectKind.USER) -> Callable[[AdministeredGate], str]:
    return lambda gate: path.format(gate.user(kind=kind))


def assigned(gate: AdministeredGate) -> str:
    return f"/users/{gate.user('reader')}/assignments"


def session(gate: AdministeredGate) -> str:
    user = gate.user()
    return f"/users/{user}/sessions/{gate.session(user)[0]}"


def token(gate: AdministeredGate) -> str:
    user = gate.user()
    return f"/users/{user}/tokens/{gate.token_of(user)}"


def locked_user(gate: AdministeredGate) -> str:
    user = gate.user()
    gate.ask(gate.holder(*EVERYTHING), "PUT", f"/locks/user/{user}", WHY)
    return f"/locks/user/{user}"


def locked_device(gate: AdministeredGate) -> str:
    device = gate.device()
    gate.ask(gate.holder(*EVERYTHING), "PUT", f"/locks/device/{device}", WHY)
    return f"/locks/device/{device}"


def group(gate: AdministeredGate) -> str:
    name, user = gate.name("group"), gate.user()
    gate.users.set_groups(gate.change, user, frozenset({name}))
    return f"/groups/{name}"


WHY = {"reason": "a lost badge"}
ENTRY = {"owner": "informatics", "networks": ["10.0.0.0/8"]}
GIFT = {"grantee_kind": "group", "grantee": "ward", "actions": ["view"]}
LIST, ADMINISTER, ASSIGN = Permission.USER_LIST, Permission.USER_ADMINISTER, Permission.ROLE_ASSIGN
DEVICES = Permission.DEVICE_ADMINISTER
GRANTS, TOKENS = Permission.GRANT_ADMINISTER, Permission.TOKEN_ADMINISTER
IN_A_WEEK = "{in a week}"

ROWS = [
    Row("GET /users", LIST, 200, at("/users"), elsewhere=200),
    Row("POST /users", ADMINISTER, 201, at("/users"), {"name": "{new}"}, elsewhere=201),
    Row("GET /users/{name}", LIST, 200, of_user("/users/{}")),
    Row("PATCH /users/{name}", ADMINISTER, 200, of_user("/users/{}"), {"display_name": "Ada"}),
    Row("DELETE /users/{name}", ADMINISTER, 204, of_user("/users/{}")),
    Row("POST /users/{name}/assignments", ASSIGN, 201, of_user("/users/{}/assignments"), {"role": "reader"}),
    Row("DELETE /users/{name}/assignments", ASSIGN, 204, assigned, query="role=reader"),
    Row("POST /users/{name}/reset-code", ADMINISTER, 201, of_user("/users/{}/reset-code")),
    Row("GET /users/{name}/sessions", ADMINISTER, 200, of_user("/users/{}/sessions")),
    Row("DELETE /users/{name}/sessions", ADMINISTER, 200, of_user("/users/{}/sessions")),
    Row("DELETE /users/{name}/sessions/{session_id}", ADMINISTER, 204, session),
    Row("GET /users/{name}/factors", ADMINISTER, 200, of_user("/users/{}/factors")),
    Row("DELETE /users/{name}/factors", ADMINISTER, 200, of_user("/users/{}/factors")),
    Row("GET /users/{name}/tokens", TOKENS, 200, of_user("/users/{}/tokens")),
    Row(
        "POST /users/{name}/tokens",
        TOKENS,
        201,
        of_user("/users/{}/tokens", SubjectKind.SERVICE),
        {"label": "feed", "expires_at": IN_A_WEEK},
    ),
    Row("DELETE /users/{name}/tokens/{token_id}", TOKENS, 204, token),
    Row("GET /groups", LIST, 200, at("/groups"), elsewhere=200),
    Row("GET /groups/{name}", LIST, 200, group),
    Row("GET /roles", Permission.ROLE_LIST, 200, at("/roles"), elsewhere=200),
    Row("POST /roles", Permission.ROLE_CREATE, 201, at("/roles"), {"name": "{new}"}, elsewhere=201),
    Row("GET /roles/{name}", Permission.ROLE_GET, 200, lambda gate: f"/roles/{gate.role()}"),
    Row(
        "PUT /roles/{name}",
        Permission.ROLE_UPDATE,
        200,
        lambda gate: f"/roles/{gate.role()}",
        {"may": ["search"]},
    ),
    Row("DELETE /roles/{name}", Permission.ROLE_REMOVE, 204, lambda gate: f"/roles/{gate.role()}"),
    Row("GET /devices", DEVICES, 200, at("/devices"), elsewhere=200),
    Row("POST /devices", DEVICES, 201, at("/devices"), {**ENTRY, "ae_title": "{new}"}, elsewhere=201),
    Row("GET /devices/{ae_title}", DEVICES, 200, lambda gate: f"/devices/{gate.device()}"),
    Row("PUT /devices/{ae_title}", DEVICES, 200, lambda gate: f"/devices/{gate.device()}", ENTRY),
    Row("DELETE /devices/{ae_title}", DEVICES, 204, lambda gate: f"/devices/{gate.device()}"),
    Row("GET /grants", GRANTS, 200, at("/grants"), elsewhere=200),
    Row(
        "POST /grants",
        GRANTS,
        201,
        at("/grants"),
        {**GIFT, "target": "study", "target_id": "1.2.3"},
        elsewhere=201,
    ),
    Row("DELETE /grants/{grant_id}", GRANTS, 204, lambda gate: f"/grants/{gate.grant()}"),
    Row("GET /locks", LIST, 200, at("/locks"), elsewhere=200),
    Row("PUT /locks/user/{name}", ADMINISTER, 200, of_user("/locks/user/{}"), WHY),
    Row("DELETE /locks/user/{name}", ADMINISTER, 204, locked_user),
    Row("PUT /locks/device/{ae_title}", DEVICES, 200, lambda gate: f"/locks/device/{gate.device()}", WHY),
    Row("DELETE /locks/device/{ae_title}", DEVICES, 204, locked_device),
    Row("GET /sources", LIST, 200, at("/sources"), elsewhere=200),
    Row("GET /me", None, 200, at("/me"), elsewhere=200),
    Row("GET /me/notices", None, 200, at("/me/notices"), elsewhere=200),
    Row("POST /me/notices/seen", None, 200, at("/me/notices/seen"), {"up_to": 1}, elsewhere=200),
    Row("GET /me/sessions", None, 200, at("/me/sessions"), elsewhere=200),
    Row("DELETE /me/sessions", None, 200, at("/me/sessions"), elsewhere=200),
    Row("GET /me/tokens", None, 200, at("/me/tokens"), elsewhere=200),
    # Study permissions of studies that no archive holds: who may pass on their own finds none of them.
    Row(f"GET {STUDY}", GRANTS, 200, at("/studies/1.2.3/permissions"), elsewhere=200),
    Row(f"POST {STUDY}", GRANTS, 200, at("/studies/1.2.3/permissions"), GIFT, elsewhere=200),
    Row(
        f"PUT {STUDY}/{{grantee_kind}}/{{grantee}}",
        GRANTS,
        200,
        at("/studies/1.2.3/permissions/group/ward"),
        {"actions": ["view"]},
        elsewhere=200,
    ),
    Row(
        f"DELETE {STUDY}/{{grantee_kind}}/{{grantee}}",
        GRANTS,
        200,
        at("/studies/1.2.3/permissions/group/ward"),
        elsewhere=200,
    ),
]
OF_ONES_OWN = {"DELETE /me/sessions/{session_id}", "POST /me/tokens", "DELETE /me/tokens/{token_id}"}
"""Routes that find nothing of anybody else: what they do is shown in `test_me`."""
ELSEWHERE = {"GET /search"}
"""Served beside the application: see `tests/unit/gateway`."""


def asked(gate: AdministeredGate, row: Row, who: str | None) -> Any:
    method = row.route.split(" ")[0]
    body = row.body
    if isinstance(body, dict):
        in_a_week = (gate.now + timedelta(days=7)).isoformat()
        words = {"{new}": gate.name("new"), IN_A_WEEK: in_a_week}
        body = {
            name: words.get(value, value) if isinstance(value, str) else value for name, value in body.items()
        }
    return gate.ask(who, method, row.path(gate), body, query=row.query)


def test_every_route_has_a_row(gate: AdministeredGate) -> None:
    document = gate.ask(gate.holder(), "GET", "/openapi.json").body
    routes = {
        f"{method.upper()} {path.removeprefix('/api/v1').replace(':path}', '}')}"
        for path, operations in document["paths"].items()
        for method in operations
        if not path.startswith(("/api/v1/tenants/", "/ais/v1/", "/oauth2/"))  # these have a test of their own
    }
    assert routes == {row.route for row in ROWS} | OF_ONES_OWN | ELSEWHERE


def test_who_holds_no_permission_is_refused_before_anything_is_looked_up(gate: AdministeredGate) -> None:
    """Nothing that these routes name exists, and most bodies are no good: the answer is the same 403."""
    for row in ROWS:
        if row.needs is None:
            continue
        method, path = row.route.split(" ")
        url = path.replace("{study_instance_uid}", "1.2.3").format_map(defaultdict(lambda: "group"))
        assert gate.ask(None, method, url, {}).status == 401
        told = gate.ask(gate.holder(), method, url, row.body if "/studies" in path else {})
        assert told.status == 403
        if "/studies" not in path:
            assert told.message == f"this needs the permission `{row.needs}`"


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route)
def test_only_who_holds_what_a_route_needs_is_served(gate: AdministeredGate, row: Row) -> None:
    assert asked(gate, row, None).status == 401
    enough = gate.holder(row.needs) if row.needs else gate.holder()
    assert asked(gate, row, enough).status == row.status
    assert asked(gate, row, gate.holder(*EVERYTHING)).status == row.status
    assert asked(gate, row, gate.live_elsewhere()).status == row.elsewhere
    if row.needs is None:
        return
    for lacking in (gate.holder(), gate.holder(*(EVERYTHING - {row.needs}))):
        if row.needs is GRANTS and "/studies" in row.route and lacking != gate.holder():
            # `GrantOwn` is among these: it reaches studies that one finds, and this is none.
            assert asked(gate, row, lacking).status == 404
            continue
        told = asked(gate, row, lacking)
        assert told.status == 403
        if "/studies" not in row.route:
            assert told.message == f"this needs the permission `{row.needs}`"


def test_the_document_says_what_each_route_needs_and_may_answer(gate: AdministeredGate) -> None:
    document = gate.ask(gate.holder(), "GET", "/openapi.json").body
    for row in ROWS:
        method, path = row.route.split(" ")
        operation = document["paths"][f"/api/v1{path}"][method.lower()]
        if "/studies" not in path:
            assert operation["x-permissions"] == ([row.needs.value] if row.needs else [])
        assert {str(row.status), "400", "401", "403"} <= operation["responses"].keys()
        assert "422" not in operation["responses"]
    assert document["components"]["securitySchemes"].keys() == {"token", "password", "session"}
