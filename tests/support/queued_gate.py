"""A real gate in this process with a PACS behind an agent, people who ask for things there, and an agent that is
these tests."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from pacsgate.bootstrap import tenancy
from pacsgate.bootstrap.gate import build_app
from pacsgate.bootstrap.pacs_queue import QueueDesk, queue_desk, queue_rules
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.bootstrap.queue_thread import QueueThread
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.context import Context
from pacsgate.model.pacs_operation import OPERATIONS, PacsKind
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.model.subject import SubjectKind
from pacsgate.ports.pacs_queue import QueueBell
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.callers import Caller
from pacsgate.services.warrants import Warrant
from pacsgate.stores.pacs_queue.bell import open_bell
from tests.support.administered_gate import AdministeredGate, Told, administered_gate
from tests.support.open_gate import Answer, ask

T = TypeVar("T")

SCOPE = TenantScope(DEFAULT_TENANT)
DOORS = ArchiveName("doors")
PLACE = f"/api/v1/tenants/{DEFAULT_TENANT}/pacs/{DOORS}"


@dataclass
class QueuedGate:
    """A PACS `doors`, its agent, and a clerk who may ask for anything there."""

    gate: AdministeredGate
    agent: str
    clerk: str
    bell: QueueBell
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def desk(self) -> QueueDesk:
        return queue_desk(self.gate.opened.installation)

    def warrant(self, who: str, operation: str) -> Warrant:
        installation = self.gate.opened.installation
        context = Context(now=self.gate.now, request_id="test")
        accounts = tenancy.warrants(installation).accounts
        subject = accounts.subject(SCOPE, SubjectKind.USER, who, self.gate.now)
        assert subject is not None
        need = tenancy.warrants(installation).need
        return need(Caller(subject, context), OPERATIONS[operation].permission, SCOPE.tenant, DOORS)

    def submit(
        self,
        operation: str = "IdentityGet",
        identity: str | None = None,
        *,
        who: str | None = None,
        body: Any = None,
        key: str | None = None,
    ) -> str:
        """Ask for something about a new entity, or this one; the id of the result."""
        ids = {"identity": identity or f"person-{next(self.numbers)}"}
        warrant = self.warrant(who or self.clerk, operation)
        return self.desk.submit.submit(warrant, operation, ids, body, {}, key).message_id

    async def send(
        self,
        who: str | None,
        path: str,
        method: str = "GET",
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        gone: asyncio.Event | None = None,
    ) -> Told:
        """Send one request, among others on this loop."""
        given = {"content-type": "application/json", **(headers or {})}
        if who is not None:
            given["authorization"] = f"Bearer {self.gate.tokens[who]}"
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer: Answer = await ask(self.gate.opened.app, path, raw, method, body=sent, gone=gone)
        kind = answer.headers.get("content-type", "")
        read = json.loads(answer.body) if answer.body and kind.startswith("application/json") else None
        return Told(answer.status, answer.headers, read, answer.body)

    async def fetch(self, *, gone: asyncio.Event | None = None) -> Told:
        """What the agent is to do next; it leaves when `gone` is set."""
        return await self.send(self.agent, f"{PLACE}/agent/messages", gone=gone)

    async def answer(
        self, message: Any, status: int = 200, body: Any = None, *, lease: str | None = None
    ) -> Told:
        """What the agent says came of it."""
        said = {"lease": lease or message["lease"], "status": status, "body": body}
        return await self.send(
            self.agent, f"{PLACE}/agent/messages/{message['messageId']}/response", "POST", said
        )

    async def result(self, message_id: str, who: str | None = None) -> Told:
        """What the clerk, or somebody, is told came of it."""
        return await self.send(who or self.clerk, f"{PLACE}/results/{message_id}")

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run some requests on one loop, with the thread that wakes whoever waits."""

        async def running() -> T:
            async with self.awake():
                return await work()

        return asyncio.run(running())

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[None]:
        opened = self.gate.opened
        thread = QueueThread(
            opened.installation.stores.queue,
            self.bell,
            opened.gate.waiters,
            opened.gate.sightings,
            opened.installation.clock,
            queue_rules(opened.installation.settings),
            lambda _said: None,
        )
        thread.start(asyncio.get_running_loop())
        try:
            yield
        finally:
            thread.stop()

    def revoke(self, token_id: str) -> None:
        TokenAdministration(self.gate.office, RandomTokens()).revoke(self.gate.change, token_id)

    def token(self, who: str) -> str:
        """Another token of somebody."""
        change = self.gate.change
        tokens = TokenAdministration(self.gate.office, RandomTokens())
        return tokens.issue(change, who, label="t", expires_at=change.at + timedelta(days=1)).text

    def impatient(self, wait: timedelta) -> "QueuedGate":
        """The same at a worker whose polls wait so long only."""
        opened = self.gate.opened
        installation = opened.installation
        settings = installation.settings
        shorter = settings.queue.model_copy(update={"wait": wait})
        installation.settings = settings.model_copy(update={"queue": shorter})
        try:
            app = build_app(installation, opened.gate, [("127.0.0.1", 0)])
        finally:
            installation.settings = settings
        return replace(self, gate=replace(self.gate, opened=replace(opened, app=app)))

    def drained(self) -> None:
        """Nothing waits any more."""
        self.desk.give_up.all_of(SCOPE, DOORS, "the test is over")


def person(gate: AdministeredGate, *roles: str) -> str:
    """Somebody with roles at the PACS."""
    name = gate.caller()
    for role in roles:
        gate.users.assign(gate.change, name, Assignment(role, AssignmentScope(archive=DOORS)))
    return name


@contextmanager
def queued_gate(directory: Path) -> Iterator[QueuedGate]:
    with administered_gate(directory) as gate:
        agent = gate.caller(kind=SubjectKind.SERVICE)
        pacses(gate.opened.installation).register(
            gate.change, PacsRecord(DOORS, "Doors", PacsKind.DOORS, agent)
        )
        clerk = person(gate, PACS_ADMINISTRATOR)
        installation = gate.opened.installation
        bell = open_bell(installation.database, installation.stores.queue.sender)
        yield QueuedGate(gate, agent, clerk, bell)
