"""What is written beside a resource: metadata, attachments, protection from recycling, main tags read anew.

All of it changes what everybody sees of the resource, so it needs `update` on every part.

Called by `door`.
"""

from pathlib import Path

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http import answers
from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import is_whole, reach_path, refuse_reached
from pacsgate.gateway.http.orthanc.recording import recorded_change
from pacsgate.gateway.http.orthanc.relay import ANSWERS, relay, require_made
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.gateway.http.uploads import Uploads
from pacsgate.model.decision import ReasonCode
from pacsgate.model.errors import RequestError
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.upload_body import OneFile

MAX_METADATA_BYTES = 1024 * 1024
_WRITTEN = ANSWERS | {403}
_KEPT_BY_ORTHANC = "the archive keeps this for itself and lets nobody write it"
"""What its 403 means: names below 1024 are its own."""


async def write_metadata(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """PUT or DELETE one piece of metadata."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    return await _write(
        exchange, reached, found, await read_body(exchange.request, at_most=MAX_METADATA_BYTES)
    )


async def write_attachment(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """PUT, DELETE, compress or uncompress one attachment; what is put waits on disk."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if found.route.method != "PUT":
        return await _write(exchange, reached, found, b"")
    with Uploads(exchange.gate.spools[exchange.archive]) as uploads:
        await uploads.receive(OneFile(), exchange.request.stream())
        return await _write(exchange, reached, found, uploads.files[0].path)


async def protection(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Whether a patient is kept when Orthanc makes room, `0` or `1`: read it, or write it."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if found.route.method == "PUT":
        return await _write(exchange, reached, found, await read_body(exchange.request, at_most=16))
    if not await is_whole(exchange, found, reached):
        return await refuse_reached(exchange, reached, ReasonCode.PARTLY_VISIBLE)
    request = OrthancRequest("GET", found.path, expected=ANSWERS)
    return await relay(exchange, reached, request, EventKind.INSTANCES_ACCESSED)


async def reconstruct(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Let Orthanc read the main tags of a resource anew, and the index what became of them."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if (await read_body(exchange.request, at_most=1024)).strip() not in {b"", b"{}"}:
        raise RequestError("this takes no body: main tags are read anew, files stay as they are")
    response = await _write(exchange, reached, found, b"")

    def work() -> None:
        for study in reached.reach.studies:
            exchange.gate.freshness.look_again(exchange.scope, exchange.archive, study.study_instance_uid)

    await exchange.at_archive(work)
    return response


async def _write(
    exchange: OrthancExchange, reached: Reached, found: OrthancMatch, body: bytes | Path
) -> Response:
    request = OrthancRequest(found.route.method, found.path, body=body, expected=_WRITTEN)
    async with recorded_change(exchange, reached, found), exchange.ask(request) as answer:
        if answer.status == 403:
            return answers.forbidden(_KEPT_BY_ORTHANC)
        require_made(answer)
        content = await answer.read(MAX_METADATA_BYTES)
        media_type = answer.headers.get("content-type", "text/plain")
        return Response(content, headers={**NO_STORE, "Content-Type": media_type})
