"""What Orthanc says of itself, and the files of its explorers: nothing of any patient.

Called by `door`, which has asked whether the subject may do anything at all.

Invariants:
- a document about Orthanc passes through a table of fields; a text passes as it is;
- static files come with no header of Orthanc's but the type of their content.
"""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from starlette.responses import RedirectResponse, Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.dicomweb.wado_uri import wado_uri as dicomweb_wado_uri
from pacsgate.gateway.http.orthanc.exchange import MAX_DOCUMENT_BYTES, OrthancExchange
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError
from pacsgate.ports.orthanc import OrthancRequest, OrthancResponse
from pacsgate.protocols.dicomweb.routes import WADO_URI
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.orthanc.arguments import read_arguments
from pacsgate.protocols.orthanc.routes import Handler
from pacsgate.protocols.orthanc.routing import OrthancMatch, match
from pacsgate.protocols.orthanc.system import public_plugin, public_system
from pacsgate.protocols.orthanc.table import operations_below
from pacsgate.protocols.paths import canonical_path
from pacsgate.services.resolve import Answer, Refusal

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {"generate-uid": ("level",)}
"""What may be asked for, by the id of the row."""
_MOVED = frozenset({301, 302})
_FOUND_OR_MOVED = _MOVED | {200}


async def system(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what Orthanc says of itself."""
    arguments = read_arguments(exchange.parameters, _ARGUMENTS.get(found.route.route_id, ()))
    request = OrthancRequest("GET", found.path, tuple(arguments.items()))
    match found.route.route_id:
        case "system":
            return exchange.json(public_system(await _document(exchange, request)))
        case "plugin":
            return exchange.json(public_plugin(await _document(exchange, request)))
        case _:
            async with exchange.ask(request) as answer:
                return await _passed_on(answer)


async def operations(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what lies below a path that only leads on: as much of it as both Orthanc and the gate have."""
    held = await exchange.ask_json(OrthancRequest("GET", found.path))
    known = operations_below(found.route.template)
    return exchange.json([name for name in (held if isinstance(held, list) else ()) if name in known])


async def denied(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Say why nobody reaches this row."""
    bound = await exchange.in_thread(exchange.bind)
    reasons = (Reason(ReasonCode.NOT_IMPLEMENTED),)
    refused = Refusal(Answer.FORBIDDEN, reasons, bound.revision, f"not served: {found.route.note}")
    return await exchange.refuse(refused, bound, action=None)


async def static(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send a file of an explorer, or where it is instead."""
    request = OrthancRequest("GET", found.path, expected=_FOUND_OR_MOVED)
    async with exchange.ask(request) as answer:
        if answer.status in _MOVED:
            return _moved(exchange, found, answer)
        return await _passed_on(answer)


def _moved(exchange: OrthancExchange, found: OrthancMatch, answer: OrthancResponse) -> Response:
    """A redirection to another file, below the client's own mount."""
    path = urlsplit(urljoin(found.path, answer.headers.get("location", ""))).path
    there = match("GET", canonical_path(path.encode("ascii", errors="replace")))
    if there is None or there.route.handler is not Handler.STATIC:
        return answers.not_found()
    return RedirectResponse(exchange.mount + there.path, answer.status, headers=NO_STORE)


async def wado_uri(exchange: OrthancExchange, _found: OrthancMatch) -> Response:
    """Send an object by the older service, which is DICOMweb's."""
    return await dicomweb_wado_uri(exchange, RouteMatch(WADO_URI))


async def _document(exchange: OrthancExchange, request: OrthancRequest) -> Mapping[str, object]:
    document = await exchange.ask_json(request)
    if not isinstance(document, dict):
        raise ArchiveError("the archive answered with what is no document")
    return document


async def _passed_on(answer: OrthancResponse) -> Response:
    body = await answer.read(MAX_DOCUMENT_BYTES)
    media_type = answer.headers.get("content-type", "application/octet-stream")
    return Response(body, headers={**NO_STORE, "Content-Type": media_type})
