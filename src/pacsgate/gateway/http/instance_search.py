"""`GET /api/v1/search`: instances by a query over their data sets.

A search may take seconds, so it has few threads of its own, and an end.

Called by `bootstrap`, which mounts the route; calls `search_instances`.

Invariants:
- without a credential nothing is parsed and nothing is told;
- the event is durable before the answer leaves;
- an exception that nobody expected is a denial with an event, never half an answer.
"""

from dataclasses import dataclass, field
from functools import partial

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.audit.events import Actor, EventKind
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.own_url import own_url
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.statements import with_statements
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.gateway.http.threads import Threads
from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.credentials import Credentials, read_credentials
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError, RecordError, RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.protocols.dicomweb.paths import refuse_method_override
from pacsgate.protocols.dicomweb.query_string import read_query_string
from pacsgate.protocols.instance_search import InstanceSearchRequest, read_instance_search, search_answer
from pacsgate.services.record import Circumstances, actor_of, claimed_actor
from pacsgate.services.resolve import Refusal
from pacsgate.services.search_cursor import read_cursor
from pacsgate.services.search_instances import InstanceFindings

_log = structlog.get_logger("pacsgate.gateway")

PATH = "/api/v1/search"
SECONDS = 10.0
"""Of one search; browsers and proxies commonly wait 30 or 60."""
THREADS = 4
"""Searches at a time in one worker: those who read need threads too."""


def instance_search_routes(gate: Gate, contexts: RequestContexts) -> list[Route]:
    """The one route."""
    return [Route(PATH, InstanceSearchDoor(gate, contexts).answer, methods=["GET"])]


@dataclass(frozen=True, slots=True)
class InstanceSearchDoor:
    """Serves the search."""

    gate: Gate
    contexts: RequestContexts
    threads: Threads = field(default_factory=lambda: Threads(THREADS))

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever happens."""
        context = self.contexts.of(request)
        try:
            response = await self._answer(request, context)
        except PacsgateError as raised:
            # The text of a request's error quotes the request.
            told = raised.detail if isinstance(raised, RequestError) else raised.public
            _log.info("request failed", request_id=context.request_id, detail=told)
            response = answers.error(raised)
        except Exception:  # noqa: BLE001 - the outermost edge: whatever broke, the answer is no
            _log.exception("request broke", request_id=context.request_id)
            response = await self._broken(context)
        response.headers["X-Request-Id"] = context.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _answer(self, request: Request, context: Context) -> Response:
        authorization = ", ".join(request.headers.getlist("authorization")) or None
        credentials = read_credentials(authorization, request.cookies.get(COOKIE_NAME))
        authenticate = partial(self.gate.authenticator.authenticate, credentials, context)
        subject = await self.threads.run(authenticate)
        if isinstance(subject, AuthenticationFailed):
            if subject.kind is FailureKind.NO_CREDENTIAL:
                await self._record_denial(
                    claimed_actor("(nobody)", context), context, ReasonCode.NO_CREDENTIAL
                )
            by_script = request.headers.get("sec-fetch-mode", "navigate") != "navigate"
            return answers.unauthenticated(subject, by_script=by_script)
        parameters = read_query_string(request.scope["query_string"])
        refuse_method_override(request.headers.keys(), (name for name, _ in parameters))
        asked = read_instance_search(parameters)
        archive = ArchiveName(asked.archive or self.gate.settings.main_archive)
        if credentials is None or archive not in self.gate.archives:
            await self._record_denial(claimed_actor(subject.name, context), context, ReasonCode.UNKNOWN_ROUTE)
            return answers.not_found()
        stated = with_statements(context, request.headers, subject)
        if stated is None:
            await self._record_denial(actor_of(subject, context), context, ReasonCode.PURPOSE_NOT_HELD)
            return answers.forbidden("this account may not ask for this purpose of use")
        return await _found(self._exchange(request, stated, credentials, subject, archive), asked)

    def _exchange(
        self,
        request: Request,
        context: Context,
        credentials: Credentials,
        subject: Subject,
        archive: ArchiveName,
    ) -> Exchange:
        return Exchange(
            gate=self.gate,
            threads=self.threads,
            archive_threads=self.threads,
            request=request,
            context=context,
            credentials=credentials,
            subject=subject,
            archive=archive,
            parameters=(),
            root=own_url(request, self.gate.settings),
        )

    async def _broken(self, context: Context) -> Response:
        try:
            await self._record_denial(claimed_actor("(unknown)", context), context, ReasonCode.INTERNAL_ERROR)
        except RecordError as unwritable:
            return answers.error(unwritable)
        return answers.internal_error()

    async def _record_denial(self, actor: Actor, context: Context, code: ReasonCode) -> None:
        event = Circumstances(context, actor).denial((Reason(code),))
        await self.threads.run(partial(self.gate.trail.record, event))


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
