"""One agent and one gate, both real, in one process: the thin path of what `tests/e2e/test_agents.py` does at length."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pacsgate.agent import agent as agent_module
from pacsgate.agent.agent import Agent
from pacsgate.agent.agent_log import AgentLog
from pacsgate.agent.gate_client import GateClient
from pacsgate.agent.settings import AgentSettings, read_environment
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.identity.tokens import RandomTokens
from pacsgate.ports.directory import TokenPurpose
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsFeatures
from pacsgate.services.administer_tokens import TokenAdministration
from tests.support.queued_gate import DOORS, SCOPE, QueuedGate, queued_gate
from tests.support.simulated_site import PLACE, SimulatedSite, simulated_site

SECONDS = 10


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueuedGate]:
    with queued_gate(tmp_path_factory.mktemp("gate")) as made:
        yield made


@dataclass
class Pair:
    """The gate and the agent's side."""

    gate: QueuedGate
    site: SimulatedSite
    agent: Agent

    async def outcome(self, operation: str, **asked: Any) -> Any:
        """What comes of something that is asked for."""
        message = await asyncio.to_thread(lambda: self.gate.submit(operation, **asked))
        while (told := await self.gate.result(message)).status == 307:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.02)
        return told


async def until(is_so: Callable[[], Any]) -> Any:
    async with asyncio.timeout(SECONDS):
        while not (found := is_so()):  # noqa: ASYNC110 - whatever it is
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def at_work(gate: QueuedGate, site: SimulatedSite) -> AsyncIterator[Pair]:
    """Both, until the block ends."""
    server = _Server(uvicorn.Config(gate.gate.opened.app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    settings, clock, stop = agent_settings(gate, port), SystemClock(), asyncio.Event()
    async with gate.awake(), GateClient(settings, clock) as client:
        log = AgentLog(settings.place, site.spool, clock)
        agent = Agent(settings.place, site.simulator, client, site.spool, site.fields, log, clock)
        working = asyncio.create_task(agent.run(stop))
        try:
            yield Pair(gate, site, agent)
        finally:
            stop.set()
            await asyncio.wait_for(working, SECONDS)
            server.should_exit = True
            await serving


def agent_settings(gate: QueuedGate, port: int) -> AgentSettings:
    change = gate.gate.change
    secret = TokenAdministration(gate.gate.office, RandomTokens()).issue(
        change,
        gate.agent,
        label="agent",
        expires_at=change.at + timedelta(days=1),
        purpose=TokenPurpose.CLIENT_SECRET,
    )
    return read_environment(
        {
            "Agent__TenantId": SCOPE.tenant,
            "Agent__PacsId": DOORS,
            "Agent__PlatformUrl": f"http://127.0.0.1:{port}",
            "Auth__ClientId": f"{SCOPE.tenant}/{gate.agent}",
            "Auth__ClientSecret": secret.text,
            "Agent__Adapter": "door-simulator",
            "Agent__DataDirectory": "/nowhere",
        }
    )


def test_what_is_asked_is_done_and_what_happens_is_told(gate: QueuedGate, tmp_path: Path) -> None:
    account = gate.gate.user()
    installation = gate.gate.opened.installation

    async def work() -> None:
        with simulated_site(tmp_path, place=replace(PLACE, tenant=SCOPE.tenant, pacs=DOORS)) as site:
            async with at_work(gate, site) as pair:
                body = {"identityId": "ann", "name": "Ann", "account": account}
                made = await pair.outcome("IdentityCreate", identity="ann", body=body)
                assert (made.status, made.body["identityId"]) == (201, "ann")
                card = {"format": "wiegand26", "value": "1-2"}
                assert (
                    await pair.outcome("IdentityCredentialCreate", identity="ann", body=card)
                ).status == 201
                site.done("IdentityAccessUnitAssign", identity="ann", unit="lobby")
                assert site.swipe("main-in", "1-2").is_granted
                await until(
                    lambda: (
                        installation.stores.directory.user(SCOPE, account).zones == {"lobby", "doors/lobby"}
                    )
                )
                assert installation.stores.tenants.pacs(SCOPE, DOORS).features is not None
            assert site.spool.responses(pair.agent.place) == []
            assert site.spool.logs(pair.agent.place, 9) == [], "what it has logged it has told"

    asyncio.run(work())


@pytest.mark.long
def test_a_gate_that_knew_nothing_of_the_agent_for_a_while_is_told_again_what_its_pacs_can_do(
    gate: QueuedGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate whose database was brought back from yesterday, say: the agent only sees that it is refused."""
    monkeypatch.setattr(agent_module, "FEATURE_SECONDS", 0.05)
    monkeypatch.setattr(agent_module, "CONTACT_SECONDS", 0.1)
    installation = gate.gate.opened.installation
    tenants, directory = installation.stores.tenants, installation.stores.directory

    def forget() -> None:
        tenants.report_features(SCOPE, DOORS, PacsFeatures(frozenset()))

    def is_known() -> bool:
        return bool(tenants.pacs(SCOPE, DOORS).features.features)

    async def work() -> None:
        forget()
        with simulated_site(tmp_path, place=replace(PLACE, tenant=SCOPE.tenant, pacs=DOORS)) as site:
            async with at_work(gate, site):
                await until(is_known)
                await asyncio.sleep(0.1)
                forget()
                await asyncio.sleep(0.3)
                assert not is_known(), "an agent that is taken for one has no reason to tell"
                for token in directory.tokens(SCOPE, gate.agent):
                    if token.purpose is TokenPurpose.ACCESS:
                        gate.revoke(token.token_id)
                await until(is_known)

    asyncio.run(work())


class _Broken:
    """An adapter that breaks over everything."""

    def features(self) -> PacsFeatures:
        return PacsFeatures(frozenset({"IdentityGet"}))

    def execute(self, command: Command) -> Outcome:
        raise ZeroDivisionError(command.operation)

    def events(self, after: str | None) -> tuple[()]:  # noqa: ARG002 - there is none
        return ()

    def close(self) -> None:
        """Nothing to give back."""


def test_an_adapter_that_breaks_over_a_command_leaves_the_agent_at_work(
    gate: QueuedGate, tmp_path: Path
) -> None:
    async def work() -> None:
        with simulated_site(tmp_path, place=replace(PLACE, tenant=SCOPE.tenant, pacs=DOORS)) as site:
            site.simulator = _Broken()  # type: ignore[assignment] - another adapter
            async with at_work(gate, site) as pair:
                messages = [await asyncio.to_thread(gate.submit) for _ in range(2)]
                depth = installation.stores.queue.depth
                await until(lambda: all(_attempts(gate, message) for message in messages))
                assert depth(SCOPE, DOORS).queued == 2, "tried again later"
                assert pair.agent.place.pacs == DOORS
        gate.drained()

    installation = gate.gate.opened.installation
    asyncio.run(work())


def _attempts(gate: QueuedGate, message: str) -> int:
    found = gate.gate.opened.installation.stores.queue.message(SCOPE, DOORS, message)
    assert found is not None
    return found.command.attempt if found.lease is None else 0
