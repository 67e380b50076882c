"""An administrator who may do everything in one tenant goes for another one, over every route of the API.

Each tenant has a namesake of everything and a canary in it.  What is attacked is the gate in this process,
with everything that it serves.
"""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import ASGIApp

from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policies import publish_all
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.lockout import FAILURES_BEFORE_LOCK
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import Answer, ask
from tests.support.people import CHEAP, PASSWORD

OWN, NORTH = TenantScope(DEFAULT_TENANT), TenantScope(TenantName("north"))
OTHER = {OWN: NORTH, NORTH: OWN}
CANARY = {OWN: "canary-of-own", NORTH: "canary-of-north"}
MAY = " ".join(sorted(permission.value for permission in set(Permission) - NEVER_IN_CUSTOM_ROLES))
POLICY = f"""\
version: 1
roles:
  all: {{permissions: [{", ".join(MAY.split())}]}}
"""
ARCHIVES = """\
  main: {kind: folder, path: archive}
  north-main: {kind: folder, path: north, tenant: north}
tenants: {north: {policy: policy.yaml}}
identity:
  scim:
    - {name: canary-of-own, account: admin}
    - {name: canary-of-north, account: admin, tenant: north}
"""
NOISE = {"x-request-id", "date", "content-length"}


@dataclass(frozen=True)
class Attacked:
    installation: Installation
    app: ASGIApp
    tokens: dict[TenantScope, str]

    def sent(
        self, scope: TenantScope | None, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        given = {"content-type": "application/json", **headers}
        if scope is not None:
            given["authorization"] = f"Bearer {self.tokens[scope]}"
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()]
        data = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        return asyncio.run(ask(self.app, path, encoded, method, query.encode(), body=data))

    def told(self, scope: TenantScope, method: str, path: str, asked: str, body: object = None) -> object:
        """Everything of an answer by which it could be told from another, but the word that was asked for."""
        answer = self.sent(scope, method, path, body)
        headers = {name: value for name, value in answer.headers.items() if name not in NOISE}
        hidden = re.sub(rb'"(request_id|instance)": ?"[^"]*"', b"", answer.body.replace(asked.encode(), b"?"))
        return answer.status, {name: value.replace(asked, "?") for name, value in headers.items()}, hidden

    def paths(self) -> list[tuple[str, str]]:
        document: dict[str, Any] = json.loads(self.sent(OWN, "GET", "/api/v1/openapi.json").body)
        methods = {"get", "put", "post", "patch", "delete"}
        return [
            (verb.upper(), path)
            for path, item in document["paths"].items()
            for verb in sorted(methods & set(item))
        ]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    directory = tmp_path_factory.mktemp("attacked")
    config = make_installation(directory / "gate", policy=POLICY, port=0)
    text = config.read_text("utf-8").replace("  main: {kind: folder, path: archive}\n", ARCHIVES)
    config.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
        with open_installation(read_settings(config), "test") as installation:
            publish_all(installation)
            tokens = {scope: _furnish(installation, scope) for scope in CANARY}
            app = build_app(installation, build_gate(installation), [("127.0.0.1", 0)])
            yield Attacked(installation, app, tokens)


def _furnish(installation: Installation, scope: TenantScope) -> str:
    canary, change = CANARY[scope], Change(scope, installation.actor(), installation.clock.now())
    users = UserAdministration(installation.office, Argon2Passwords(CHEAP))
    users.add(change, "admin", kind=SubjectKind.SERVICE)
    users.assign(change, "admin", Assignment("all"))
    for name in ("anna", canary):
        users.add(change, name, display_name=canary, password=PASSWORD, groups=frozenset({canary, "group"}))
    DeviceAdministration(installation.office, installation.stores.remote_aes).add(
        change, RemoteAe("CT1", description=canary, owner="anna")
    )
    tokens = TokenAdministration(installation.office, RandomTokens())
    until = change.at + timedelta(days=1)
    tokens.issue(change, "anna", label=canary, expires_at=until)
    return tokens.issue(change, "admin", label="t", expires_at=until).text


@pytest.mark.parametrize("scope", CANARY)
def test_no_list_tells_anything_of_another_tenant(gate: Attacked, scope: TenantScope) -> None:
    own = set()
    for method, path in gate.paths():
        filled = path.replace("{tenant}", scope.tenant).replace("{name}", "anna").replace("{user}", "anna")
        if method != "GET" or "{" in filled or "openapi" in path:
            continue
        body = gate.sent(scope, "GET", filled).body
        assert CANARY[OTHER[scope]].encode() not in body, filled
        own |= {filled} if CANARY[scope].encode() in body else set()
    assert len(own) > 4, own  # so that the canaries are where lists would show them


@pytest.mark.parametrize("scope", CANARY)
def test_another_tenant_in_a_path_is_one_that_does_not_exist(gate: Attacked, scope: TenantScope) -> None:
    walked = 0
    for method, path in gate.paths():
        if "{tenant}" not in path:
            continue
        for inner in ("main", "north-main", "anna"):
            told = [
                gate.told(
                    scope, method, re.sub(r"\{\w+\}", inner, path.replace("{tenant}", named)), named, {}
                )
                for named in (OTHER[scope].tenant, "nowhere")
            ]
            assert told[0] == told[1], (method, path)
            assert told[0][0] in {404, 403, 400, 422, 405, 415}, (method, path, told[0])  # type: ignore[index]
        walked += 1
    assert walked > 50


@pytest.mark.parametrize("scope", CANARY)
def test_an_id_of_another_tenant_is_one_that_does_not_exist(gate: Attacked, scope: TenantScope) -> None:
    foreign, nobody = CANARY[OTHER[scope]], "canary-of-nobody"
    for method, path in gate.paths():
        if "{tenant}" in path or "{" not in path:
            continue
        told = [
            gate.told(scope, method, re.sub(r"\{\w+\}", named, path), named, {})
            for named in (foreign, nobody)
        ]
        assert told[0] == told[1], (method, path)
    assert gate.installation.stores.directory.user(OTHER[scope], foreign) is not None


@pytest.mark.parametrize("scope", CANARY)
def test_what_is_changed_under_a_shared_name_is_changed_in_ones_own_tenant(
    gate: Attacked, scope: TenantScope
) -> None:
    directory = gate.installation.stores.directory
    before = directory.user(OTHER[scope], "anna")
    answer = gate.sent(scope, "PATCH", "/api/v1/users/anna", {"display_name": f"new {scope.tenant}"})
    if answer.status == 405:
        answer = gate.sent(scope, "PUT", "/api/v1/users/anna/groups", {"groups": ["mine"]})
    assert answer.status < 300, answer.body
    assert directory.user(OTHER[scope], "anna") == before


@pytest.mark.parametrize("scope", CANARY)
def test_a_namesake_of_the_account_of_a_source_pushes_people_of_its_own_tenant(
    gate: Attacked, scope: TenantScope
) -> None:
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    body = {"schemas": schemas, "userName": f"new-{scope.tenant}", "externalId": "1", "active": True}
    answer = gate.sent(scope, "POST", "/scim/v2/Users", body, content_type="application/scim+json")
    assert answer.status == 201, answer.body
    made = gate.installation.stores.directory.user(scope, f"new-{scope.tenant}")
    assert made is not None
    assert made.source == CANARY[scope]
    assert gate.installation.stores.directory.user(OTHER[scope], made.name) is None


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def test_a_name_signs_in_to_its_own_tenant_only(gate: Attacked) -> None:
    for stated, tenant in (("anna", "default"), ("default/anna", "default"), ("north/anna", "north")):
        answer = gate.sent(None, "GET", "/api/v1/me", **basic(stated, PASSWORD))
        assert (answer.status, json.loads(answer.body)["tenant"]) == (200, tenant), stated


@pytest.mark.long
def test_neither_answers_nor_locks_tell_whether_a_tenant_exists(gate: Attacked) -> None:
    told: dict[str, list[object]] = {}
    for stated in ("north/nobody", "nowhere/nobody", "platform/nobody", "nobody"):
        for _ in range(FAILURES_BEFORE_LOCK + 1):
            answer = gate.sent(None, "GET", "/api/v1/me", **basic(stated, "wrong"))
            headers = {name: value for name, value in answer.headers.items() if name not in NOISE}
            body = re.sub(rb'"(request_id|instance)": ?"[^"]*"', b"", answer.body)
            told.setdefault(stated, []).append((answer.status, headers.keys(), body))
    assert told["nowhere/nobody"] == told["north/nobody"] == told["platform/nobody"] == told["nobody"]
    assert told["nobody"][-1] != told["nobody"][0]  # locked in the end


def test_everything_that_was_tried_is_on_record_where_it_was_tried(gate: Attacked) -> None:
    gate.installation.office.publish()
    for entry in read_trail(gate.installation.settings.data / "trail"):
        for scope, canary in CANARY.items():
            if entry.event.tenant == scope.tenant:
                assert entry.event.actor.name != CANARY[OTHER[scope]], (entry.event, canary)
