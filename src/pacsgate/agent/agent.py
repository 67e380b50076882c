"""One agent at work: it fetches commands and has them carried out, and tells what it has to tell.

Each activity goes on by itself and tries again by itself: a gate that takes no events still gets responses.
Adapters and the database work in threads; nothing else here waits for them.

Made by `bootstrap.agent`.

Invariants:
- a response is on disk before it is sent, and is sent until it is taken or refused;
- events are told in their order, each until it is taken;
- a command that is fetched again is shown to the adapter again, which does it once;
- a gate that may have forgotten what the PACS can do is told again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec

from pacsgate.agent.agent_log import AgentLog
from pacsgate.agent.backoff import Backoff
from pacsgate.agent.errors import GateUnavailableError, RefusedError
from pacsgate.agent.execution import Execution
from pacsgate.agent.gate_client import GateClient
from pacsgate.agent.tenant_fields import TenantFields
from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import PacsgateError, RequestError
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.ports import Clock
from pacsgate.ports.pacs_adapters import PacsAdapter, PacsEvent, PacsFeatures
from pacsgate.ports.site import PendingResponse, SiteSpool
from pacsgate.protocols.agent.messages import AgentMessage
from pacsgate.protocols.agent.reports import MOST_TOLD_AT_ONCE

EVENT_SECONDS = 0.2
"""How often an adapter is asked what happened: who leaves loses what they had within two seconds."""
CONTACT_SECONDS = 20.0
"""At least so often the gate is told that it knows everything; it waits for 90 s before it doubts that."""
LOG_SECONDS = 2.0
FEATURE_SECONDS = 10.0
RESPONSE_SECONDS = 1.0
_LAST_WORDS_SECONDS = 5.0
_CURSOR = "events-taken"
_THREADS = 4

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Agent:
    """One agent of one PACS."""

    place: PacsPlace
    adapter: PacsAdapter
    client: GateClient
    spool: SiteSpool
    fields: TenantFields
    log: AgentLog
    clock: Clock
    _told_features: tuple[PacsFeatures, int, int] | None = field(default=None, init=False)
    """What was told last, with which token and after how many failures."""
    _failures: int = field(default=0, init=False)
    """How often the gate could not be reached, or did not take this for the agent of a PACS of its own."""
    _told_all_at: float = field(default=float("-inf"), init=False)
    _answered: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS), init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then tell what can be told at once."""
        self.log.info("agent started", tenant=self.place.tenant, pacs=self.place.pacs)
        async with asyncio.TaskGroup() as working:
            going = [
                working.create_task(self._again(step, seconds, stop))
                for step, seconds in (
                    (self._tell_features, FEATURE_SECONDS),
                    (self._tell_responses, RESPONSE_SECONDS),
                    (self._tell_events, EVENT_SECONDS),
                    (self._tell_logs, LOG_SECONDS),
                )
            ]
            going.append(working.create_task(self._work(stop)))
            await stop.wait()
            self._answered.set()
        self.log.info("agent stopped", tenant=self.place.tenant, pacs=self.place.pacs)
        await self._last_words()
        self._pool.shutdown()

    # ------------------------------------------------------------- commands

    async def _work(self, stop: asyncio.Event) -> None:
        backoff = Backoff()
        while not stop.is_set():
            try:
                message = await _unless(stop, self.client.next_message())
            except GateUnavailableError as problem:
                self._failures += 1
                self.log.warning("no messages", problem=problem.public)
                await _unless(stop, asyncio.sleep(backoff.failed()))
                continue
            backoff.succeeded()
            if message is not None:
                await self._carry_out(message)

    async def _carry_out(self, message: AgentMessage) -> None:
        if message.operation in OPERATIONS and OPERATIONS[message.operation].has_body:
            await self._learn_fields()
        execution = Execution(self.place, self.adapter, self.log, self.clock)
        outcome = await self._in_thread(execution.outcome_of, message)
        response = PendingResponse(message.message_id, message.lease, outcome)
        await self._in_thread(self.spool.put_response, self.place, response, self.clock.now())
        self.log.info("carried out", operation=message.operation, status=str(outcome.status))
        self._answered.set()

    async def _learn_fields(self) -> None:
        try:
            told = await self.client.extension_fields()
            await self._in_thread(self.fields.learn, told)
        except (GateUnavailableError, RequestError, msgspec.ValidationError) as problem:
            self.log.warning("extension fields as known before", problem=type(problem).__name__)

    # -------------------------------------------------------------- reports

    async def _tell_features(self) -> None:
        features, failures = await self._in_thread(self.adapter.features), self._failures
        if (features, self.client.tokens_fetched, failures) != self._told_features:
            await self.client.put_features(features)
            self._told_features = features, self.client.tokens_fetched, failures

    async def _tell_responses(self) -> None:
        self._answered.clear()
        for response in await self._in_thread(self.spool.responses, self.place):
            try:
                await self.client.respond(response)
            except RefusedError as refused:
                self.log.warning("a response came too late", problem=refused.public)
            await self._in_thread(self.spool.drop_response, self.place, response)

    async def _tell_events(self) -> None:
        while True:
            asked = self.clock.monotonic()
            after = await self._in_thread(self.spool.cursor, self.place, _CURSOR)
            events = await self._in_thread(self.adapter.events, after)
            if not events and asked - self._told_all_at < CONTACT_SECONDS:
                return
            told = await self._told(events)
            if not events:
                self._told_all_at = asked
                return
            await self._in_thread(self.spool.set_cursor, self.place, _CURSOR, events[told - 1].event_id)
            self._told_all_at = float("-inf")

    async def _told(self, events: Sequence[PacsEvent]) -> int:
        """Tell some events, or at least get past the first of them; how many that was."""
        try:
            return await self.client.post_events(events, is_all=not events)
        except RefusedError:
            if not events:
                raise
        try:
            return await self.client.post_events(events[:1], is_all=False)
        except RefusedError as refused:
            self.log.warning("an event is refused", kind=events[0].kind, problem=refused.public)
            return 1

    async def _tell_logs(self) -> None:
        await self._in_thread(self.log.keep)
        while kept := await self._in_thread(self.spool.logs, self.place, MOST_TOLD_AT_ONCE):
            told = await self.client.post_logs([each.entry for each in kept])
            await self._in_thread(self.spool.drop_logs, self.place, kept[told - 1].number)

    async def _last_words(self) -> None:
        for step in (self._tell_responses, self._tell_events, self._tell_logs):
            try:
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await step()
            except (PacsgateError, TimeoutError):
                continue  # it is kept, and told at the next start

    async def _again(self, step: Callable[[], Awaitable[None]], seconds: float, stop: asyncio.Event) -> None:
        """Do a step now and then; after a failure later and later."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                await step()
            except GateUnavailableError:
                self._failures += 1
                await _unless(stop, asyncio.sleep(backoff.failed()))  # who fetches messages says so
                continue
            except PacsgateError as problem:
                self.log.warning("something cannot be told", problem=problem.public)
                await _unless(stop, asyncio.sleep(backoff.failed()))
                continue
            except Exception as problem:  # noqa: BLE001 - the outermost edge of an activity: others go on
                self.log.warning("an activity broke", problem=type(problem).__name__)
                await _unless(stop, asyncio.sleep(backoff.failed()))
                continue
            backoff.succeeded()
            await self._rest(step, seconds, stop)

    async def _rest(self, step: Callable[[], Awaitable[None]], seconds: float, stop: asyncio.Event) -> None:
        waking = self._answered if step == self._tell_responses else stop
        try:
            async with asyncio.timeout(seconds):
                await waking.wait()
        except TimeoutError:
            return

    async def _in_thread(
        self, work: Callable[_Given, _Value], *given: _Given.args, **_: _Given.kwargs
    ) -> _Value:
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *given))


async def _unless(stop: asyncio.Event, work: Awaitable[_Value]) -> _Value | None:
    """What comes of some work, or `None` once it must stop."""
    doing = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        return None
    finally:
        stopping.cancel()
