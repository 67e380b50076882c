"""QIDO-RS: six resources, one handler.

Everything is done in one visit to a thread: bind, search, write the answer, hand its event to the trail.
The answer leaves when the event is durable.

Standard: PS3.18 section 10.6 (Search Transaction), 8.3.4.4 (paging).
"""

from concurrent.futures import Future
from urllib.parse import urlsplit

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.data_sets import data_sets_body
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.dicomweb.search_response import more_results_warning, search_response
from pacsgate.services.resolve import Refusal

MAX_ROWS = 1000
"""Rows in one answer, asked for or not; `Warning: 299` tells of the rest."""


async def search(exchange: Exchange, found: RouteMatch) -> Response:
    """Answer one search with what the subject may search."""
    representation = exchange.representations(found)[0]
    if found.route.level is None:
        raise RequestError("this resource cannot be searched", status=501)
    query = read_search(found.route.level, found.key, exchange.parameters, maximum=MAX_ROWS)

    def work() -> "tuple[Response, Future[None]]":
        bound = exchange.bind()
        circumstances = exchange.circumstances(bound)
        findings = exchange.gate.search.find(exchange.scope, exchange.archive, query, bound)
        if isinstance(findings, Refusal):
            denial = circumstances.denial(
                findings.reasons, action=Action.SEARCH, study_instance_uid=query.study_instance_uid
            )
            return answers.refusal(findings), exchange.gate.trail.submit(denial)
        rows = search_response(query, ((row.key, row.attributes) for row in findings.rows), exchange.root)
        body, media_type = data_sets_body(rows, representation)
        event = circumstances.event(
            EventKind.QUERY,
            action=Action.SEARCH,
            query=f"{found.route.template}?{exchange.request.scope['query_string'].decode('utf-8')}",
            reasons=findings.reasons,
            count=len(rows),
            bytes_sent=len(body) if rows else 0,
        )
        answer = _answer(exchange, body if rows else None, media_type, findings.remaining)
        return answer, exchange.gate.trail.submit(event)

    return await exchange.threads.run_until(work)


def _answer(exchange: Exchange, body: bytes | None, media_type: str, remaining: int) -> Response:
    service = urlsplit(exchange.root).hostname or "pacsgate"
    warning = more_results_warning(service, remaining)
    headers = NO_STORE if warning is None else {**NO_STORE, "Warning": warning}
    if body is None:
        return Response(status_code=204, headers=headers)
    return Response(body, headers={**headers, "Content-Type": media_type})
