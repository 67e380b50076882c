"""A gate in this process with two tenants that have one of everything each, and an administrator who may do all.

Whatever one of them has says so: in its name stands who has it, and in every text beside the name its canary.  The
names of what nobody has are as long as those, so that even lengths can be compared.  Both have an `admin` and a PACS
`doors`, where a request of that `admin` waits for an agent: there nothing but the tenant tells the two apart.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from sqlalchemy import Select, Table, select
from starlette.routing import Route
from starlette.types import ASGIApp

from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policies import publish_all
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.sessions import COOKIE_NAME, ServerSessions
from pacsgate.identity.subjects import subject_of
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.session_limits import SessionRules
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.ports import session_public_id
from pacsgate.ports.identity import SessionOrigin
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change
from pacsgate.services.classify_study import ClassifyStudy
from pacsgate.stores.columns import metadata
from pacsgate.stores.tenant_wall import ANY_TENANT
from tests.support.databases import opened
from tests.support.objects import Part10, variant
from tests.support.open_gate import Answer, ask
from tests.support.people import CHEAP, PASSWORD

OWN, NORTH = TenantScope(DEFAULT_TENANT), TenantScope(TenantName("north"))
OTHER = {OWN: NORTH, NORTH: OWN}
TAG = {OWN: "own", NORTH: "far"}
NOBODY = "non"
CANARY = {OWN: "canary-of-own", NORTH: "canary-of-far"}
ARCHIVE = {OWN: "own-images", NORTH: "far-images"}
STUDY = {OWN: "1.2.3.1001", NORTH: "1.2.3.2002"}
DOORS = "doors"
"""A PACS of both."""
ALL = sorted(permission.value for permission in set(Permission) - NEVER_IN_CUSTOM_ROLES)
POLICY = f"""\
version: 1
roles:
  all: {{may: [search, view, retrieve], permissions: [{", ".join(ALL)}]}}
rules:
  - {{id: all-read, effect: permit, roles: [all]}}
"""
SETTINGS = """\
  own-images: {kind: folder, path: archive}
  far-images: {kind: folder, path: north, tenant: north}
tenants: {north: {policy: policy.yaml}}
identity:
  scim:
    - {name: push-own, account: keeper}
    - {name: push-far, account: keeper, tenant: north}
"""
_NOISE: Final = {"x-request-id", "date"}
_CHANGING: Final = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{16,}|[A-Za-z0-9_-]{40,}"
    rb"|\d{4}-\d\d-\d\d[T ][0-9:.]+(Z|\+00:00)?|made-up-\d+"
)
"""What is another in each answer: ids of requests and messages, secrets, times, new names."""


@dataclass
class FurnishedTenants:
    """The gate, and for each tenant the id of one thing of each kind."""

    installation: Installation
    app: ASGIApp
    tokens: dict[TenantScope, str] = field(default_factory=dict)
    agents: dict[TenantScope, str] = field(default_factory=dict)
    """Tokens of what works for the PACS `doors` of each."""
    keepers: dict[TenantScope, str] = field(default_factory=dict)
    """Tokens of a service that may do all."""
    cookies: dict[TenantScope, str] = field(default_factory=dict)
    ids: dict[TenantScope, dict[str, str]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return self.installation.clock.now()

    def own(self, scope: TenantScope) -> dict[str, str]:
        """What somebody of a tenant names who minds their own business."""
        return {**self.ids[scope], "pacs": DOORS}

    @property
    def routes(self) -> list[Route]:
        """Everything that is served beside the archives."""
        pages: Any = self.app
        return list(pages._pages.routes)

    def missing(self, scope: TenantScope, kind: str) -> str:
        """An id that nobody has, of the same shape as this tenant's own."""
        own = self.ids[scope][kind]
        named = own.replace(TAG[scope], NOBODY).replace(TAG[scope].upper(), NOBODY.upper())
        if named != own:
            return named
        shifted = own.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
        return shifted if shifted != own else own[::-1]

    def sent(
        self,
        scope: TenantScope | None,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask as a client of the API."""
        given = {"content-type": "application/json", **(headers or {})}
        if scope is not None:
            given.setdefault("authorization", f"Bearer {self.tokens[scope]}")
        data = b"" if body is None else json.dumps(body).encode()
        return self._asked(method, path, given, data)

    def posted(self, scope: TenantScope | None, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body that is no JSON."""
        given = {"content-length": str(len(body)), **headers}
        if scope is not None:
            given["authorization"] = f"Bearer {self.tokens[scope]}"
        return self._asked("POST", path, given, body)

    def browsed(self, scope: TenantScope, path: str, form: Mapping[str, Any] | None = None) -> Answer:
        """Ask as a browser with a session."""
        cookie = self.cookies[scope]
        given = {"cookie": f"{COOKIE_NAME}={cookie}"}
        if form is None:
            return self._asked("GET", path, given, b"")
        token = ServerSessions(self.installation.stores.directory).csrf_token(cookie)
        data = urlencode({**form, "csrf_token": token}, doseq=True).encode()
        given |= {
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(data)),
            "sec-fetch-site": "same-origin",
        }
        return self._asked("POST", path, given, data)

    def _asked(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        url, _, query = path.partition("?")
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return asyncio.run(ask(self.app, url, encoded, method, query.encode(), body=body))

    def in_words(self, answer: Answer, asked: str) -> tuple[object, ...]:
        """Everything by which an answer could be told from another, but the word that was asked for."""

        def plain(text: bytes) -> bytes:
            return _CHANGING.sub(b"#", text.replace(asked.encode(), b"?"))

        headers = {
            name: plain(value.encode()) for name, value in answer.headers.items() if name not in _NOISE
        }
        return answer.status, headers, plain(answer.body)

    @contextmanager
    def untouched(self, scope: TenantScope) -> Iterator[None]:
        """Whatever is done meanwhile, every row of the tenant stays as it is."""
        before = self.rows(scope)
        yield
        after = self.rows(scope)
        assert {name for name in before if before[name] != after[name]} == set()

    def rows(self, scope: TenantScope) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is kept of a tenant."""
        tables = [table for table in metadata.sorted_tables if "tenant" in table.c]
        with (
            opened(self.installation.settings.database_url) as database,
            database.reading(ANY_TENANT) as connection,
        ):
            return {
                table.name: sorted(map(tuple, connection.execute(_of(table, scope))), key=repr)
                for table in tables
            }


def _of(table: Table, scope: TenantScope) -> Select[Any]:
    return select(table).where(table.c.tenant == scope.tenant)


@contextmanager
def furnished_tenants(directory: Path) -> Iterator[FurnishedTenants]:
    config = make_installation(directory / "gate", policy=POLICY, port=0)
    text = config.read_text("utf-8").replace("  main: {kind: folder, path: archive}\n", SETTINGS)
    config.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
        with open_installation(read_settings(config), "test") as installation:
            publish_all(installation)
            app = build_app(installation, build_gate(installation), [("127.0.0.1", 0)])
            made = FurnishedTenants(installation, app)
            for scope in OTHER:
                made.ids[scope] = _furnish(made, scope)
            yield made


def _furnish(gate: FurnishedTenants, scope: TenantScope) -> dict[str, str]:
    tag, canary, archive = TAG[scope], CANARY[scope], ARCHIVE[scope]
    installation = gate.installation
    _store(installation, scope)
    change = Change(scope, installation.actor(), gate.now)
    users = UserAdministration(installation.office, Argon2Passwords(CHEAP))
    users.add(change, "admin")
    users.assign(change, "admin", Assignment("all"))
    until = (gate.now + timedelta(days=9)).isoformat()
    users.add(change, "keeper", kind=SubjectKind.SERVICE)
    users.assign(change, "keeper", Assignment("all"))
    gate.tokens[scope], gate.keepers[scope] = (_token(gate, change, name) for name in ("admin", "keeper"))
    _, gate.cookies[scope] = _session(gate, scope, "admin")
    users.add(change, f"user-{tag}", password=PASSWORD)
    users.add(change, f"service-{tag}", kind=SubjectKind.SERVICE)

    def done(method: str, path: str, body: object = None) -> Any:
        answer = gate.sent(scope, method, path, body)
        assert answer.status < 300, (method, path, answer.body)
        if answer.status == 202:
            answer = gate.sent(scope, "GET", answer.headers["location"])
            assert answer.status < 300, (method, path, answer.body)
        return json.loads(answer.body) if answer.body else None

    here, at = f"/api/v1/tenants/{scope.tenant}", f"/api/v1/tenants/{scope.tenant}/pacs/{archive}"
    window = {"validFrom": gate.now.isoformat(), "validTo": until}
    done("PATCH", f"/api/v1/users/user-{tag}", {"display_name": canary, "groups": [f"group-{tag}"]})
    done("PUT", f"/api/v1/locks/user/service-{tag}", {"reason": canary})
    done("POST", "/api/v1/roles", {"name": f"role-{tag}", "description": canary, "owner": canary})
    done("POST", f"/api/v1/users/user-{tag}/assignments", {"role": f"role-{tag}", "archive": archive})
    device = {"ae_title": f"AE{tag.upper()}", "owner": f"user-{tag}", "networks": [], "description": canary}
    done("POST", "/api/v1/devices", device)
    gift = {"grantee_kind": "user", "grantee": f"user-{tag}", "actions": ["view"]}
    grant = done("POST", "/api/v1/grants", {**gift, "target": "study", "target_id": STUDY[scope]})
    token = done("POST", f"/api/v1/users/service-{tag}/tokens", {"label": canary, "expires_at": until})
    fields = {f"field{tag}": {"type": "string", "description": canary}}
    done("PATCH", here, {"name": canary, "identityExtensionFields": fields, "visitExtensionFields": fields})
    for pacs, agent in ((DOORS, "agent"), (f"doors-{tag}", f"agent-{tag}")):
        done("POST", f"{here}/pacs", {"pacsId": pacs, "name": canary, "kind": "doors", "agentUid": agent})
    done("POST", f"{at}/identities", {"identityId": f"person-{tag}", "name": canary, "email": "a@b.example"})
    visit = {"visitId": f"visit-{tag}", "visitor": f"visitor-{tag}", "name": canary, **window}
    done("POST", f"{at}/visits", visit)
    for holder in (f"identities/person-{tag}", f"visits/visit-{tag}"):
        credential = {"credentialId": f"credential-{tag}", "format": "login", "label": canary}
        done("POST", f"{at}/{holder}/credentials", credential)
    unit = f"collection:unit-{tag}"
    done("PUT", f"{at}/identities/person-{tag}/access-units/{unit}")
    assignment = done("GET", f"{here}/roles/role-{tag}/assignments")
    asked = gate.sent(scope, "GET", f"{here}/pacs/{DOORS}/identities/person-{tag}")
    assert asked.status == 202, asked.body
    session, _ = _session(gate, scope, f"user-{tag}")
    gate.agents[scope] = _token(gate, change, "agent")
    session, _ = _session(gate, scope, f"user-{tag}")
    return {
        "tenant": scope.tenant,
        "archive": archive,
        "pacs": f"doors-{tag}",
        "agent": f"agent-{tag}",
        "user": f"user-{tag}",
        "service": f"service-{tag}",
        "group": f"group-{tag}",
        "role": f"role-{tag}",
        "assignment": assignment["assignments"][0]["assignmentId"],
        "device": f"AE{tag.upper()}",
        "grant": grant["grant_id"],
        "token": token["issued"]["token_id"],
        "session": session,
        "study": STUDY[scope],
        "identity": f"person-{tag}",
        "visit": f"visit-{tag}",
        "visitor": f"visitor-{tag}",
        "credential": f"credential-{tag}",
        "unit": unit,
        "message": asked.headers["location"].rpartition("/")[2],
        "field": f"field{tag}",
        "source": f"push-{tag}",
    }


def _token(gate: FurnishedTenants, change: Change, name: str) -> str:
    tokens = TokenAdministration(gate.installation.office, RandomTokens())
    until = gate.now + timedelta(days=9)
    return tokens.issue(change, name, label=CANARY[change.scope], expires_at=until).text


def _session(gate: FurnishedTenants, scope: TenantScope, user: str) -> tuple[str, str]:
    """The public id and the cookie of a new session."""
    directory = gate.installation.stores.directory
    record = directory.user(scope, user)
    assert record is not None
    subject = subject_of(record, scope.tenant, Credential.PASSWORD, authenticated_at=gate.now)
    limits, origin = SessionRules().limits_of(frozenset()), SessionOrigin("127.0.0.1", CANARY[scope])
    started = ServerSessions(directory).begin(subject, gate.now, origin=origin, limits=limits)
    return session_public_id(directory.sessions(scope, user=user)[-1]), started.cookie


def object_of(scope: TenantScope) -> bytes:
    """The one object that a tenant has."""
    return _one(scope).data


def _one(scope: TenantScope) -> Part10:
    uid = STUDY[scope]
    return variant(
        StudyInstanceUID=uid,
        SeriesInstanceUID=f"{uid}.1",
        SOPInstanceUID=f"{uid}.1.1",
        PatientName=CANARY[scope],
        PatientID=CANARY[scope],
    )


def _store(installation: Installation, scope: TenantScope) -> None:
    """One study, in a collection."""
    name = installation.tenant_archives.main(scope)
    archive, one = installation.archives.by_name[name], _one(scope)
    path = installation.archives.spools[name].new_path()
    path.write_bytes(one.data)
    archive.store(one.key, path, one.digest)
    installation.sync.sync(scope, name)
    change = Change(scope, installation.actor(), installation.clock.now())
    classify = ClassifyStudy(installation.office, installation.stores.index)
    classify.change(change, name, STUDY[scope], collections=frozenset({f"unit-{TAG[scope]}"}))
