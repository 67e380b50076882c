"""Two long polls: an agent waits for what is to be done, a requester for what came of it.

Both are answered as soon as there is something, and otherwise sent to the same address again (307) before a
proxy on the way would give up.  In between they are futures, not threads.

Called by `bootstrap`, which mounts the routes; calls `HandOver` and `Results`.

Invariants:
- whoever has waited is verified again before anything is handed over;
- a client that has gone waits no more, and gets nothing handed over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from random import uniform

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.agent_sightings import AgentSightings
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.pacs_waiters import Waiter, Waiters
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.streams import NO_STORE, until_gone
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.pacs_adapters import Outcome
from pacsgate.ports.pacs_queue import Message
from pacsgate.protocols.agent.messages import AgentMessage, write_message
from pacsgate.protocols.strict_json import write_json
from pacsgate.services.callers import Caller
from pacsgate.services.pacs_queue.hand_over import HandOver, Taker
from pacsgate.services.pacs_queue.results import Results
from pacsgate.services.record import actor_of
from pacsgate.services.warrants import Warrants

THREADS = 4
"""Looks into the queue at a time in one worker: more of them wait for one interpreter, and for each other."""
_SHORTEST = 0.8
"""Of the longest wait."""
_NO_CONTENT = 204
_ERRORS = {403: "forbidden", 404: "not found", 405: "method not allowed", 410: "gone"}


@dataclass(frozen=True, slots=True)
class PacsPolls:
    """What the polls work with."""

    warrants: Warrants
    hand_over: HandOver
    results: Results
    waiters: Waiters
    sightings: AgentSightings
    wait: timedelta
    """How long a poll waits at most before it is sent to the same address again."""


def poll_routes(
    gate: Gate,
    contexts: RequestContexts,
    polls: PacsPolls,
    *,
    messages: Sequence[str],
    results: Sequence[str],
) -> list[Route]:
    """The routes, at these paths with `{tenant}` and `{pacs}`, and `{message}` in those of results."""
    threads = Threads(THREADS)
    by_token = Edge(gate, contexts, threads, accepts_cookies=False)
    by_any = Edge(gate, contexts, threads)
    return [
        *(
            Route(path, _Door(by_token, polls, "agent-poll", _next_message), methods=["GET"])
            for path in messages
        ),
        *(Route(path, _Door(by_any, polls, "result-poll", _result), methods=["GET"]) for path in results),
    ]


class _NotVerifiedError(Exception):
    """Whoever has waited is not accepted any more: their token has ended, say."""

    def __init__(self, failed: AuthenticationFailed) -> None:
        super().__init__()
        self.failed = failed


@dataclass(slots=True)
class _Poll:
    """One request that waits."""

    edge: Edge
    polls: PacsPolls
    visit: Visit
    gone: "asyncio.Future[None]"
    until: float

    @property
    def tenant(self) -> TenantName:
        return TenantName(self.visit.request.path_params["tenant"])

    @property
    def pacs(self) -> ArchiveName:
        return ArchiveName(self.visit.request.path_params["pacs"])

    @property
    def caller(self) -> Caller:
        return Caller(self.visit.subject, self.visit.context)

    @property
    def _is_closed(self) -> bool:
        return self.polls.waiters.is_closed

    async def wait(self, waiter: Waiter) -> bool:
        """Wait until there may be something, and see that it is still the same who asks."""
        left = self.until - self.edge.gate.clock.monotonic()
        if left <= 0 or self._is_closed or not await waiter.wait(self.gone, left) or self._is_closed:
            return False
        self.visit = await self._verified_again()
        return True

    async def _verified_again(self) -> Visit:
        authenticator, credentials = self.edge.gate.authenticator, self.visit.credentials
        context = replace(self.visit.context, now=self.edge.gate.clock.now())
        found = authenticator.recall(credentials, context)
        if found is None:
            told = await self.edge.threads.run(partial(authenticator.authenticate, credentials, context))
            if not isinstance(told, Subject):
                raise _NotVerifiedError(told)
            found = told
        return replace(self.visit, subject=found, context=context)


_Answer = Callable[[_Poll], Awaitable[Response | None]]
"""The answer of one poll; `None` if it is to come again."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Serves one kind of poll."""

    edge: Edge
    polls: PacsPolls
    name: str
    answer: _Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler(self.name)
        if visit.request.method != "GET":
            return _problem(405, None)  # HEAD would take a message and not carry it
        stated = await self.edge.stated(visit)
        if isinstance(stated, Response):
            return stated
        gone = asyncio.ensure_future(until_gone(visit.request.receive))
        # Not all for equally long: those that came together after a restart would come together for ever.
        wait = self.polls.wait.total_seconds() * uniform(_SHORTEST, 1)  # noqa: S311 - nobody need guess it
        until = self.edge.gate.clock.monotonic() + wait
        try:
            answer = await self.answer(_Poll(self.edge, self.polls, stated, gone, until))
        except _NotVerifiedError as raised:
            return answers.unauthenticated(raised.failed, by_token=True)
        except NotFoundError as raised:
            return _problem(404, raised.public)
        except RequestError as raised:
            if raised.status not in _ERRORS:
                raise
            return _problem(raised.status, raised.public)
        finally:
            gone.cancel()
        if answer is None:
            return _again(visit.request, by_new_connection=self.polls.waiters.is_closed)
        return answer


async def _next_message(poll: _Poll) -> Response | None:
    """What an agent is to do next."""
    polls, threads, waiters = poll.polls, poll.edge.threads, poll.polls.waiters
    place = poll.tenant, poll.pacs
    need = partial(polls.warrants.need, poll.caller, Permission.PACS_MESSAGE_GET, poll.tenant, poll.pacs)
    await threads.run(need)
    polls.sightings.note(poll.tenant, poll.pacs, poll.visit.subject.name, poll.visit.context.now)
    with waiters.waiting_for(place) as waiter:
        is_idle = waiters.has_nothing(place) and not waiters.is_closed
        if is_idle and not await poll.wait(waiter):
            return None
        while True:
            told = waiters.looks(place, waiter)
            message = await threads.run(partial(_taken, poll))
            if message is not None:
                return Response(write_message(message), headers=NO_STORE, media_type="application/json")
            waiters.in_vain(place, waiter, told)
            if not await poll.wait(waiter):
                return None


def _taken(poll: _Poll) -> AgentMessage | None:
    if poll.gone.done():
        return None
    visit, polls = poll.visit, poll.polls
    subject, context = visit.subject, visit.context
    if not polls.warrants.holds(poll.caller, Permission.PACS_MESSAGE_GET, poll.pacs):
        raise RequestError(f"this needs the permission `{Permission.PACS_MESSAGE_GET}`", status=403)
    taker = Taker(subject.name, actor_of(subject, context), context.request_id)
    message = polls.hand_over.next(TenantScope(subject.tenant), poll.pacs, taker)
    return None if message is None else _on_wire(message)


async def _result(poll: _Poll) -> Response | None:
    """What came of an operation."""
    message_id = poll.visit.request.path_params["message"]
    with poll.polls.waiters.waiting_for(message_id) as waiter:
        while True:
            look = partial(poll.polls.results.of, poll.caller, poll.tenant, poll.pacs, message_id)
            outcome = await poll.edge.threads.run(look)
            if outcome is not None:
                return _as_response(outcome)
            if not await poll.wait(waiter):
                return None


def _on_wire(message: Message) -> AgentMessage:
    command, lease = message.command, message.lease
    if lease is None:
        raise TypeError("a message that nobody has leased")
    return AgentMessage(
        message_id=command.message_id,
        operation=command.operation,
        tenant=command.tenant,
        pacs=command.pacs,
        ids=command.ids,
        parameters=command.parameters,
        body=command.body,
        requested_by=command.requested_by,
        requested_at=command.requested_at,
        expires_at=command.expires_at,
        attempt=command.attempt,
        lease=lease.token,
    )


def _as_response(outcome: Outcome) -> Response:
    if outcome.status == _NO_CONTENT:
        return Response(status_code=_NO_CONTENT, headers=NO_STORE)
    return Response(write_json(outcome.body), outcome.status, headers=NO_STORE, media_type="application/json")


def _again(request: Request, *, by_new_connection: bool) -> Response:
    """Sent to the same address: by its path, which holds whatever name the gate goes by.

    A worker that stops closes the connection, so that the next request finds another worker or its successor.
    """
    query = request.scope["query_string"]
    path = request.scope["raw_path"] + (b"?" + query if query else b"")
    headers = {**NO_STORE, "Location": path.decode("ascii")}
    if by_new_connection:
        headers["Connection"] = "close"
    return Response(status_code=307, headers=headers)


def _problem(status: int, message: str | None) -> Response:
    return answers.problem(status, _ERRORS[status], message)
