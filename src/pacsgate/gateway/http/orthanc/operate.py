"""Orthanc itself is configured, restarted, rebuilt or made to run a script, by who may do that.

What is sent is the administrator's own; of its answers, none is kept and no secret is recorded.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.recording import record_administration
from pacsgate.gateway.http.orthanc.relay import ANSWERS, require_made
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.errors import ArchiveError
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import read_arguments
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.system import public_exports

_MAX_BYTES = 4 * 1024 * 1024
_PAGE = ("limit", "since")


async def operate(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Hand the order on, after it is on record; what only reads a setting is not recorded."""
    reads = found.route.method == "GET"
    body = None if reads else await read_body(exchange.request, at_most=_MAX_BYTES)
    if not reads:
        await record_administration(exchange, found)
    request = OrthancRequest(found.route.method, found.path, body=body, expected=ANSWERS)
    async with exchange.ask(request) as answer:
        require_made(answer)
        content = await answer.read(_MAX_BYTES)
        media_type = answer.headers.get("content-type", "text/plain")
    return Response(content, headers={**NO_STORE, "Content-Type": media_type})


async def exports(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Orthanc's own log of what was sent.  It names patients, so who reads it goes on record."""
    arguments = read_arguments(exchange.parameters, _PAGE)
    await record_administration(exchange, found)
    page = await exchange.ask_json(OrthancRequest("GET", found.path, query=tuple(arguments.items())))
    if not isinstance(page, dict):
        raise ArchiveError("the archive answered with what is no object")
    return exchange.json(public_exports(page))
