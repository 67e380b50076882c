"""What passes from one answer into the next request, carried over to another tenant: keys, tags, cursors."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from pacsgate.model.resource import TenantScope
from tests.support.furnished_tenants import (
    CANARY,
    DOORS,
    NORTH,
    OTHER,
    OWN,
    FurnishedTenants,
    furnished_tenants,
)
from tests.support.open_gate import Answer

pytestmark = pytest.mark.long
BOTH = pytest.mark.parametrize("scope", [OWN, NORTH], ids=["default", "north"])


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedTenants]:
    with furnished_tenants(tmp_path_factory.mktemp("told")) as made:
        yield made


@BOTH
def test_a_key_of_another_tenants_request_is_a_new_one(gate: FurnishedTenants, scope: TenantScope) -> None:
    """Both are asked by an `admin`, with the same key about the same name."""

    def submitted(who: TenantScope, name: str) -> Answer:
        path = f"/api/v1/tenants/{who.tenant}/pacs/{DOORS}/identities/{name}"
        return gate.sent(who, "GET", path, headers={"idempotency-key": f"a-key-{scope.tenant}"})

    first, foreign = submitted(OTHER[scope], "somebody"), submitted(scope, "somebody else")
    assert (first.status, foreign.status) == (202, 202)
    assert first.headers["location"].rpartition("/")[2] != foreign.headers["location"].rpartition("/")[2]
    assert submitted(scope, "somebody else").headers["location"] == foreign.headers["location"]
    assert submitted(scope, "a third").status in {409, 422}


@BOTH
def test_a_tag_of_another_tenants_thing_matches_none(gate: FurnishedTenants, scope: TenantScope) -> None:
    for kind, path in (
        ("user", "/api/v1/users/"),
        ("role", "/api/v1/roles/"),
        ("device", "/api/v1/devices/"),
    ):
        foreign = gate.sent(OTHER[scope], "GET", path + gate.ids[OTHER[scope]][kind]).headers["etag"]
        own = path + gate.ids[scope][kind]
        answers = [
            gate.in_words(gate.sent(scope, "DELETE", own, headers={"if-match": tag}), tag)
            for tag in (foreign, '"0"')
        ]
        assert (answers[0], answers[0][0]) == (answers[1], 412), kind
        seen = gate.sent(scope, "GET", own, headers={"if-none-match": foreign})
        assert (seen.status, CANARY[OTHER[scope]].encode() in seen.body) == (200, False)


@BOTH
def test_a_cursor_of_another_tenants_list_leads_along_ones_own(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    asked = set()
    for path in ("/users", "/groups", "/roles", "/grants", "/devices"):
        first = json.loads(gate.sent(OTHER[scope], "GET", f"/api/v1{path}?limit=1").body)
        cursor = next((value for name, value in first.items() if "next" in name or "cursor" in name), None)
        if cursor is None:
            continue
        asked.add(path)
        answer = gate.sent(scope, "GET", f"/api/v1{path}?limit=100&cursor={quote(str(cursor), safe='')}")
        assert answer.status in {200, 400}, path
        for kind in ("user", "group", "role", "device", "grant"):
            assert gate.ids[OTHER[scope]][kind].encode() not in answer.body, path
        assert CANARY[OTHER[scope]].encode() not in answer.body
    assert {"/users", "/roles"} <= asked


def test_what_anybody_may_read_holds_nothing_of_any_tenant(gate: FurnishedTenants) -> None:
    for path in (
        "/healthz",
        "/readyz",
        "/sign-in",
        "/.well-known/authzen-configuration",
        "/.well-known/oauth-authorization-server",
    ):
        answer = gate.sent(None, "GET", path)
        whole = repr(answer.headers).encode() + answer.body
        for scope in OTHER:
            for kind, named in gate.ids[scope].items():
                if kind != "tenant":
                    assert named.encode() not in whole, (path, kind)
            assert CANARY[scope].encode() not in whole, path
