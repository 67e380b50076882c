"""A real gate in this process with two SCIM clients, each bound to a source of its own."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from pacsgate.audit.events import AuditEvent
from pacsgate.bootstrap.gate import build_app
from pacsgate.bootstrap.installation import Installation, trail_directory
from pacsgate.config.scim import ScimSettings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import SubjectKind
from pacsgate.ports import UserRecord
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import ask, desk, open_gate
from tests.support.people import PASSWORD

HR, PARTNER = "hr", "partner"
"""The sources; `scim-hr` and `scim-partner` are their clients."""
POLICY = """\
version: 1
attributes:
  user.department: {type: string}
roles:
  reader: {may: [search, view, retrieve]}
  administrator: {may: [], permissions: [UserAdminister, RoleAssign]}
  visitor: {may: [search]}
rules:
  - {id: readers-read, effect: permit, roles: [reader, visitor]}
assignments:
  - {groups: [radiology], roles: [reader]}
  - {groups: [visitors], roles: [visitor]}
  - {groups: [administrators], roles: [administrator]}
  - {users: [deputy], roles: [administrator]}
"""
ATTRIBUTES = {
    "department": "department",
    "division": "division",
    "organization": "organization",
    "cost_center": "costCenter",
    "employee_number": "employeeNumber",
}
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True)
class Told:
    """An answer of the service, read."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class ScimGate:
    installation: Installation
    app: ASGIApp
    tokens: dict[str, str]

    def token(self, name: str) -> str:
        """A new token of an account."""
        office, change = desk(self.installation)
        issued = TokenAdministration(office, RandomTokens()).issue(
            change, name, label="t", expires_at=change.at + timedelta(days=1)
        )
        return issued.text

    def ask(
        self, method: str, path: str, body: object = None, *, who: str = "scim-hr", query: str = ""
    ) -> Told:
        """Send one request to the service."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        got = self.raw(method, f"/scim/v2{path}", self.tokens[who], sent, query)
        return Told(got.status, got.headers, json.loads(got.body) if got.body else None)

    def raw(self, method: str, path: str, token: str, body: bytes = b"", query: str = "") -> Any:
        """The same with any token, to any path; `name:password` is HTTP Basic."""
        basic = f"Basic {b64encode(token.encode()).decode()}"
        headers = [
            (b"authorization", (basic if ":" in token else f"Bearer {token}").encode()),
            (b"content-type", b"application/scim+json"),
        ]
        return asyncio.run(ask(self.app, path, headers, method, query.encode(), body=body))

    def user(self, name: str) -> UserRecord | None:
        """An account as it is kept."""
        return self.installation.stores.directory.user(self.installation.scope, name)

    def join(self, name: str, who: str = "scim-hr", **more: object) -> str:
        """Make an account; returns its id."""
        made = self.ask("POST", "/Users", {"schemas": [USER], "userName": name, **more}, who=who)
        assert made.status == 201, made.body
        return str(made.body["id"])

    def group(self, name: str, *members: str, who: str = "scim-hr") -> str:
        """Make a group; returns its id."""
        listed = [{"value": member} for member in members]
        body = {"schemas": [GROUP], "displayName": name, "members": listed}
        made = self.ask("POST", "/Groups", body, who=who)
        assert made.status == 201, made.body
        return str(made.body["id"])

    def patch(self, path: str, *operations: dict[str, object], who: str = "scim-hr") -> Told:
        """Patch a resource."""
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, who=who)

    def events(self) -> list[AuditEvent]:
        """Everything on record."""
        return [entry.event for entry in read_trail(trail_directory(self.installation.settings))]


@contextmanager
def scim_gate(directory: Path) -> Iterator[ScimGate]:
    with open_gate(directory) as opened:
        installation = opened.installation
        bound = (
            ScimSettings(name=HR, account="scim-hr", attributes=ATTRIBUTES),
            ScimSettings(name="of-a-person", account="person"),
            ScimSettings(name="of-a-password", account="scim-basic"),
            ScimSettings(name=PARTNER, account="scim-partner", roles_at_most=("visitor",)),
        )
        identity = installation.settings.identity.model_copy(update={"scim": bound})
        installation.settings = installation.settings.model_copy(update={"identity": identity})
        installation.publisher.publish(installation.scope, {"policy.yaml": POLICY}, installation.actor())
        office, change = desk(installation)
        provisioner = Role("provisioner", frozenset(), frozenset({Permission.ACCOUNT_PROVISION}))
        RoleAdministration(office).add(change, provisioner)
        users = UserAdministration(office, Argon2Passwords())
        clients = {"scim-hr": SubjectKind.SERVICE, "scim-partner": SubjectKind.SERVICE}
        for name, kind in {**clients, "unbound": SubjectKind.SERVICE, "person": SubjectKind.USER}.items():
            users.add(change, name, kind=kind)
            users.assign(change, name, Assignment("provisioner"))
        users.add(change, "scim-basic", kind=SubjectKind.SERVICE, password=PASSWORD)
        users.assign(change, "scim-basic", Assignment("provisioner"))
        users.add(change, "roleless", kind=SubjectKind.SERVICE)
        gate = ScimGate(installation, build_app(installation, opened.gate, [("127.0.0.1", 0)]), {})
        for name in (*clients, "unbound", "person", "roleless", "scim-basic"):
            gate.tokens[name] = gate.token(name)
        yield gate
