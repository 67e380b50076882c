"""A real gate in this process with people who each hold one permission, and things for them to administer."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.bootstrap.installation import trail_directory
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.sessions import COOKIE_NAME, ServerSessions
from pacsgate.identity.subjects import subject_of
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.model.role import Assignment, Role
from pacsgate.model.session_limits import SessionRules
from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.ports import session_public_id
from pacsgate.ports.identity import SessionOrigin
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import Answer, OpenGate, ask, desk, open_gate

ELSEWHERE = TenantScope(TenantName("elsewhere"))
EVERYTHING = frozenset(Permission) - NEVER_IN_CUSTOM_ROLES


@dataclass(frozen=True)
class Told:
    """An answer of the API, read."""

    status: int
    headers: Mapping[str, str]
    body: Any
    raw: bytes

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


@dataclass
class AdministeredGate:
    """Makes people and things as tests need them; every name is used once."""

    opened: OpenGate
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    holders: dict[frozenset[Permission], str] = field(default_factory=dict)

    @property
    def office(self) -> Office:
        return desk(self.opened.installation)[0]

    @property
    def change(self) -> Change:
        return desk(self.opened.installation)[1]

    @property
    def users(self) -> UserAdministration:
        return UserAdministration(self.office, Argon2Passwords())

    @property
    def now(self) -> datetime:
        return self.opened.installation.clock.now()

    def name(self, stem: str) -> str:
        return f"{stem}-{next(self.numbers)}"

    def role(self, *permissions: Permission, may: frozenset[Action] = frozenset()) -> str:
        name = self.name("role")
        RoleAdministration(self.office).add(self.change, Role(name, may, frozenset(permissions)))
        return name

    def user(self, *roles: str, kind: SubjectKind = SubjectKind.USER) -> str:
        name = self.name(kind.value)
        self.users.add(self.change, name, kind=kind)
        for role in roles:
            self.users.assign(self.change, name, Assignment(role))
        return name

    def caller(self, *roles: str, kind: SubjectKind = SubjectKind.USER) -> str:
        """An account with a token, by which `ask` knows it."""
        name = self.user(*roles, kind=kind)
        self.tokens[name] = self._token(name)
        return name

    def holder(self, *permissions: Permission) -> str:
        """Somebody who holds exactly these permissions; the same one each time."""
        wanted = frozenset(permissions)
        if wanted not in self.holders:
            self.holders[wanted] = self.caller(self.role(*permissions))
        return self.holders[wanted]

    def device(self) -> str:
        title = f"AE{next(self.numbers)}"
        devices = DeviceAdministration(self.office, self.opened.installation.stores.remote_aes)
        devices.add(self.change, RemoteAe(title, owner="informatics", networks=("10.0.0.0/8",)))
        return title

    def grant(self) -> str:
        given = GrantAdministration(self.office).add(
            self.change,
            grantee=(GranteeKind.USER, self.user()),
            target=(GrantTarget.STUDY, "1.2.3"),
            actions=frozenset({Action.VIEW}),
        )
        return given.grant_id

    def token_of(self, user: str) -> str:
        """The public id of a new token."""
        self._token(user)
        return self.office.directory.tokens(self.change.scope, user)[-1].token_id

    def session(self, user: str) -> tuple[str, str]:
        """The public id and the cookie of a new session."""
        record = self.office.directory.user(self.change.scope, user)
        assert record is not None
        subject = subject_of(record, self.change.scope.tenant, Credential.PASSWORD, authenticated_at=self.now)
        limits = SessionRules().limits_of(frozenset())
        sessions = ServerSessions(self.office.directory)
        started = sessions.begin(subject, self.now, origin=SessionOrigin("127.0.0.1"), limits=limits)
        held = self.office.directory.sessions(self.change.scope, user=user)
        return session_public_id(held[-1]), started.cookie

    def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        cookie: str | None = None,
    ) -> Told:
        given = {"content-type": "application/json", **(headers or {})}
        if who is not None:
            given["authorization"] = f"Bearer {self.tokens[who]}"
        if cookie is not None:
            given["cookie"] = f"{COOKIE_NAME}={cookie}"
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith(("/api/", "/ais/")) else f"/api/v1{path}"
        answer: Answer = asyncio.run(
            ask(self.opened.app, url, raw, method, query.encode(), body=b"" if sent is None else sent)
        )
        is_json = bool(answer.body) and answer.headers["content-type"].startswith("application/json")
        return Told(answer.status, answer.headers, json.loads(answer.body) if is_json else None, answer.body)

    def browse(self, cookie: str, path: str, form: Mapping[str, str | list[str]] | None = None) -> Answer:
        """What a browser with this session gets: a page, or what its form ends in."""
        given = [(b"cookie", f"{COOKIE_NAME}={cookie}".encode())]
        url, _, query = path.partition("?")
        if form is None:
            return asyncio.run(ask(self.opened.app, url, given, "GET", query.encode(), body=b""))
        token = ServerSessions(self.office.directory).csrf_token(cookie)
        sent = urlencode({"csrf_token": token, **form}, doseq=True).encode()
        given += [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(sent)).encode()),
            (b"sec-fetch-site", b"same-origin"),
        ]
        return asyncio.run(ask(self.opened.app, url, given, "POST", query.encode(), body=sent))

    def events(self, kind: EventKind) -> list[AuditEvent]:
        entries = read_trail(trail_directory(self.opened.installation.settings))
        return [entry.event for entry in entries if entry.event.kind is kind]

    def live_elsewhere(self) -> str:
        """Somebody who holds everything in another tenant."""
        installation = self.opened.installation
        name = "overlord"
        if name not in self.tokens:
            text = installation.settings.policy.read_text("utf-8")
            installation.publisher.publish(ELSEWHERE, {"policy.yaml": text}, installation.actor())
            change = Change(ELSEWHERE, installation.actor(), self.now)
            RoleAdministration(self.office).add(change, Role("overlord", permissions=EVERYTHING))
            self.users.add(change, name)
            self.users.assign(change, name, Assignment("overlord"))
            self.tokens[name] = self._token(name, change)
        return name

    def _token(self, user: str, change: Change | None = None) -> str:
        change = change or self.change
        issued = TokenAdministration(self.office, RandomTokens()).issue(
            change, user, label="t", expires_at=change.at + timedelta(days=1)
        )
        return issued.text


@contextmanager
def administered_gate(directory: Path) -> Iterator[AdministeredGate]:
    with open_gate(directory) as opened:
        yield AdministeredGate(opened)
