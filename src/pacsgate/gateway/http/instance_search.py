"""`GET /api/v1/search`: instances by a query over their data sets.

A search may take seconds, so it has few threads of its own, and an end.

Called by `bootstrap`, which mounts the route; calls `search_instances`.

Invariants:
- the event is durable before the answer leaves.
"""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.edge import Edge, Visit
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.turns import Turns
from pacsgate.gateway.http.wiring import Gate
from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.protocols.instance_search import InstanceSearchRequest, read_instance_search, search_answer
from pacsgate.services.resolve import Refusal
from pacsgate.services.search_cursor import read_cursor
from pacsgate.services.search_instances import InstanceFindings

PATH = "/api/v1/search"
SECONDS = 10.0
"""Of one search; browsers and proxies commonly wait 30 or 60."""
THREADS = 4
"""Searches at a time in one worker: those who read need threads too."""
OF_ONE_ACCOUNT = 2
"""Of these, so many of one account: some are always left for others."""


def instance_search_routes(gate: Gate, contexts: RequestContexts) -> list[Route]:
    """The one route."""
    threads = Threads(THREADS)
    turns = Turns(OF_ONE_ACCOUNT, seconds=SECONDS)
    door = InstanceSearchDoor(Edge(gate, contexts, threads), turns)
    return [Route(PATH, door, methods=["GET"])]


@dataclass(frozen=True, slots=True)
class InstanceSearchDoor:
    """Serves the search."""

    edge: Edge
    turns: Turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.edge.serve(scope, receive, send, self._handle)

    async def _handle(self, visit: Visit) -> Response:
        visit.note_handler("instance-search")
        gate = self.edge.gate
        asked = read_instance_search(visit.parameters)
        scope = TenantScope(visit.subject.tenant)
        archive = ArchiveName(asked.archive or gate.tenant_archives.main(scope))
        if not gate.tenant_archives.has(scope, archive):
            return await self.edge.unknown_route(visit)
        stated = await self.edge.stated(visit)
        if isinstance(stated, Response):
            return stated
        exchange = Exchange(
            gate=gate,
            threads=self.edge.threads,
            archive_threads=self.edge.threads,
            request=visit.request,
            context=stated.context,
            credentials=visit.credentials,
            subject=visit.subject,
            archive=archive,
            parameters=(),
            root=own_url(visit.request, gate.settings),
        )
        with self.turns.take((visit.subject.tenant, visit.subject.name)):
            return await _found(exchange, asked)


async def _found(exchange: Exchange, asked: InstanceSearchRequest) -> Response:
    def work() -> tuple[Bound, InstanceFindings | Refusal]:
        # To read the longest query takes a good part of a second, in which the loop has others to answer.
        query = read_query(asked.query)
        cursor = None if asked.cursor is None else read_cursor(asked.cursor)
        bound = exchange.bind()
        found = exchange.gate.search_instances.find(
            exchange.scope, exchange.archive, query, bound, limit=asked.limit, seconds=SECONDS, cursor=cursor
        )
        return bound, found

    bound, found = await exchange.in_thread(work)
    if isinstance(found, Refusal):
        return await exchange.refuse(found, bound, action=Action.SEARCH)
    body = search_answer(
        (row.attributes for row in found.rows),
        None if found.cursor is None else str(found.cursor),
        out_of_time=found.out_of_time,
    )
    await exchange.record(
        exchange.circumstances(bound).event(
            EventKind.QUERY,
            action=Action.SEARCH,
            query=f"{PATH}?{exchange.request.url.query}",
            reasons=found.reasons,
            count=len(found.rows),
            bytes_sent=len(body),
        )
    )
    return Response(body, media_type="application/json", headers=NO_STORE)
