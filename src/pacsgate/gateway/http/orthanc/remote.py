"""Other archives are asked what they hold, or for it, through this one: the right to do so is `RemoteQuery`.

Whoever has it sees whatever those archives answer; they are other archives, and no policy here is about their
images.  What is fetched comes into this one, and is under its policy as soon as it is there.

Called by `door`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.owned import remember_answer
from pacsgate.gateway.http.orthanc.reaching import MAX_LIST_BYTES
from pacsgate.gateway.http.orthanc.recording import record_remote
from pacsgate.gateway.http.orthanc.relay import ANSWERS, require_made
from pacsgate.gateway.http.orthanc.targets import require_here
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc import remote_bodies
from pacsgate.protocols.orthanc.routing import OrthancMatch

_MAX_ANSWER_BYTES = 64 * 1024 * 1024


def _query(raw: bytes) -> dict[str, Any]:
    return remote_bodies.read_query(raw).upstream()


_READERS: Mapping[str, Callable[[bytes], dict[str, Any] | list[Any]]] = {
    "echo": remote_bodies.read_echo,
    "dicom-echo": remote_bodies.read_dicom_echo,
    "query": _query,
    "find": remote_bodies.read_find,
    "find-patient": remote_bodies.read_find,
    "find-study": remote_bodies.read_find,
    "find-series": remote_bodies.read_find,
    "find-instance": remote_bodies.read_find,
    "find-worklist": remote_bodies.read_find_worklist,
    "qido": remote_bodies.read_server_request,
    "get": remote_bodies.read_server_request,
    "retrieve": remote_bodies.read_server_retrieval,
}
_FETCHES = frozenset({"modality-move", "modality-get"})


async def remote(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Ask the partner in the path what the body says, made anew."""
    if found.route.method == "GET":
        return await _ask(exchange, found, None)
    raw = await read_body(exchange.request, at_most=MAX_LIST_BYTES)
    if found.route.route_id in _FETCHES:
        fetch = remote_bodies.read_fetch(raw)
        return await _ask(exchange, found, fetch.upstream(await require_here(exchange, fetch.target)))
    return await _ask(exchange, found, _READERS[found.operation](raw))


async def _ask(
    exchange: OrthancExchange, found: OrthancMatch, body: dict[str, Any] | list[Any] | None
) -> Response:
    written = None if body is None else msgspec.json.encode(body)
    await record_remote(exchange, found, query=None if written is None else written.decode())
    request = OrthancRequest(
        found.route.method, found.path, body=written, expected=ANSWERS, patience_seconds=JOB_SECONDS
    )
    async with exchange.ask(request) as answer:
        require_made(answer)
        content = await answer.read(_MAX_ANSWER_BYTES)
        media_type = answer.headers.get("content-type", "application/json")
    if found.operation == "query":
        handle = await remember_answer(exchange, HandleKind.QUERY, _decoded(content))
        return exchange.json({"ID": handle, "Path": f"/queries/{handle}"})
    if isinstance(body, dict) and body.get("Synchronous") is False:
        handle = await remember_answer(exchange, HandleKind.JOB, _decoded(content))
        return exchange.json({"ID": handle, "Path": f"/jobs/{handle}"})
    return Response(content, headers={**NO_STORE, "Content-Type": media_type})


def _decoded(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
