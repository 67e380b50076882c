"""`/queries`: what one has asked other archives, and what they answered; and what they promised to keep.

Answers come from elsewhere and are nobody's images here.  What is retrieved comes into this archive and
nowhere else, and is indexed when it is there.

Called by `door`.
"""

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.owned import own, own_among, remember_answer
from pacsgate.gateway.http.orthanc.reaching import MAX_LIST_BYTES
from pacsgate.gateway.http.orthanc.recording import record_remote
from pacsgate.gateway.http.orthanc.relay import ANSWERS, require_made
from pacsgate.gateway.http.orthanc.targets import require_here
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc.remote_bodies import read_further_query, read_retrieval
from pacsgate.protocols.orthanc.routing import OrthancMatch

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_ARGUMENTS = frozenset({"expand", "short", "simplify"})


async def query(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """List queries, look at one, at its answers, or fetch what was answered."""
    if found.handle is None:
        return exchange.json(await own_among(exchange, HandleKind.QUERY, "/queries"))
    owned = await own(exchange, HandleKind.QUERY, found.handle)
    if isinstance(owned, Response):
        return owned
    if found.route.method == "GET":
        return await _look(exchange, found)
    if found.route.method == "DELETE":
        return await _delete(exchange, found, owned.handle)
    raw = await read_body(exchange.request, at_most=MAX_LIST_BYTES)
    if found.operation == "retrieve":
        return await _retrieve(exchange, found, raw)
    further = read_further_query(raw)
    await record_remote(exchange, found, query=msgspec.json.encode(further).decode())
    answer = await exchange.ask_json(OrthancRequest("POST", found.path, body=msgspec.json.encode(further)))
    handle = await remember_answer(exchange, HandleKind.QUERY, answer)
    return exchange.json({"ID": handle, "Path": f"/queries/{handle}"})


async def _look(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    arguments = tuple(parameter for parameter in exchange.parameters if parameter[0] in _ARGUMENTS)
    request = OrthancRequest("GET", found.path, query=arguments, expected=ANSWERS)
    async with exchange.ask(request) as answer:
        require_made(answer)
        content = await answer.read(_MAX_ANSWER_BYTES)
        media_type = answer.headers.get("content-type", "application/json")
    return Response(content, headers={**NO_STORE, "Content-Type": media_type})


async def _delete(exchange: OrthancExchange, found: OrthancMatch, handle: str) -> Response:
    async with exchange.ask(OrthancRequest("DELETE", found.path, expected=ANSWERS)) as answer:
        require_made(answer)
    await exchange.in_thread(
        lambda: exchange.gate.handles.forget(exchange.scope, exchange.archive, HandleKind.QUERY, [handle])
    )
    return exchange.json({})


async def _retrieve(exchange: OrthancExchange, found: OrthancMatch, raw: bytes) -> Response:
    wanted = read_retrieval(raw)
    target = await require_here(exchange, wanted.target)
    await record_remote(exchange, found)
    body = msgspec.json.encode(wanted.upstream(target))
    request = OrthancRequest("POST", found.path, body=body, patience_seconds=JOB_SECONDS)
    answer = await exchange.ask_json(request)
    if not wanted.job.asynchronous:
        return exchange.json(answer)
    handle = await remember_answer(exchange, HandleKind.JOB, answer)
    return exchange.json({"ID": handle, "Path": f"/jobs/{handle}"})
