"""QIDO-RS: six resources, one handler.

Standard: PS3.18 section 10.6 (Search Transaction), 8.3.4.4 (paging).
"""

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.data_sets import data_sets_body
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.policy.engine import Bound
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.dicomweb.search_response import more_results_warning, search_response
from pacsgate.services.resolve import Refusal
from pacsgate.services.search import Findings

MAX_ROWS = 1000
"""Rows in one answer, asked for or not; `Warning: 299` tells of the rest."""


async def search(exchange: Exchange, found: RouteMatch) -> Response:
    """Answer one search with what the subject may search."""
    representation = exchange.representations(found)[0]
    if found.route.level is None:
        raise RequestError("this resource cannot be searched", status=501)
    query = read_search(found.route.level, found.key, exchange.parameters, maximum=MAX_ROWS)

    def work() -> tuple[Bound, Findings | Refusal]:
        bound = exchange.bind()
        return bound, exchange.gate.search.find(exchange.scope, exchange.archive, query, bound)

    bound, findings = await exchange.in_thread(work)
    if isinstance(findings, Refusal):
        return await exchange.refuse(
            findings, bound, action=Action.SEARCH, study_instance_uid=query.study_instance_uid
        )
    rows = search_response(query, ((row.key, row.attributes) for row in findings.rows), exchange.root)
    body, media_type = data_sets_body(rows, representation)
    await exchange.record(
        exchange.circumstances(bound).event(
            EventKind.QUERY,
            action=Action.SEARCH,
            query=f"{found.route.template}?{exchange.request.url.query}",
            reasons=findings.reasons,
            count=len(rows),
            bytes_sent=len(body) if rows else 0,
        )
    )
    warning = more_results_warning(exchange.request.url.hostname or "pacsgate", findings.remaining)
    headers = NO_STORE if warning is None else {**NO_STORE, "Warning": warning}
    if not rows:
        return Response(status_code=204, headers=headers)
    return Response(body, headers={**headers, "Content-Type": media_type})
