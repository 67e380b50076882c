"""`/archive`, `/media`, `/tools/create-…`: what is visible of something, packed to be taken away.

An archive is made by the gate, object by object, in the folders in which Orthanc would put it.  Media, other
transfer syntaxes and what is packed in the background are made by Orthanc, of instances that the gate
names one by one; so they cannot be had where a mask hides something.

Called by `door`.
"""

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.exports import relay_export
from pacsgate.gateway.http.orthanc.folders import folder_names
from pacsgate.gateway.http.orthanc.owned import remember_answer
from pacsgate.gateway.http.orthanc.reaching import (
    MAX_LIST_BYTES,
    action_of,
    instance_names,
    reach_each,
    reach_path,
    refuse_masked,
)
from pacsgate.gateway.http.orthanc.relay import ANSWERS
from pacsgate.gateway.http.zip_export import export_events, send_zip
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc.archive_request import (
    ArchiveRequest,
    read_archive_arguments,
    read_archive_body,
    read_batch_arguments,
    read_batch_body,
)
from pacsgate.protocols.orthanc.routing import OrthancMatch

_MEDIA = frozenset({"media", "create-media", "create-media-extended"})
_EXTENDED = "create-media-extended"


async def archive(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Pack what path or body name and send it, or say which job packs it."""
    wanted = await _wanted(exchange, found)
    reached = await _reached(exchange, found, wanted)
    if isinstance(reached, Response):
        return reached
    media = found.operation in _MEDIA
    if media or wanted.transcode is not None or wanted.job.asynchronous:
        refused = await refuse_masked(exchange, reached)
        if refused is not None:
            return refused
        request = _request(wanted, reached, media=media)
        if wanted.job.asynchronous:
            return await _in_background(exchange, reached, request)
        response = await relay_export(exchange, reached, request)
    else:
        response = await send_zip(exchange, reached, await folder_names(exchange, reached))
    name = wanted.file_name or f"{found.orthanc_id or 'Archive'}.zip"
    response.headers["Content-Disposition"] = f'filename="{name}"'
    return response


async def _wanted(exchange: OrthancExchange, found: OrthancMatch) -> ArchiveRequest:
    extended = found.operation == _EXTENDED
    if found.route.method == "GET":
        read = read_batch_arguments if found.orthanc_id is None else read_archive_arguments
        return read(exchange.parameters, extended=extended)
    raw = await read_body(exchange.request, at_most=MAX_LIST_BYTES)
    return (read_batch_body if found.orthanc_id is None else read_archive_body)(raw, extended=extended)


async def _reached(
    exchange: OrthancExchange, found: OrthancMatch, wanted: ArchiveRequest
) -> Reached | Response:
    if found.orthanc_id is not None:
        return await reach_path(exchange, found)
    outcome = await reach_each(exchange, wanted.resources, action_of(found))
    return outcome if isinstance(outcome, Response) else outcome[0]


def _request(wanted: ArchiveRequest, reached: Reached, *, media: bool) -> OrthancRequest:
    body = wanted.upstream(tuple(instance_names(reached.reach)), media=media)
    path = "/tools/create-media" if media else "/tools/create-archive"
    return OrthancRequest(
        "POST", path, body=msgspec.json.encode(body), expected=ANSWERS, patience_seconds=JOB_SECONDS
    )


async def _in_background(exchange: OrthancExchange, reached: Reached, request: OrthancRequest) -> Response:
    """Start the job.  What it makes leaves when it is fetched, and is decided and recorded then."""
    for event in export_events(exchange, reached, "ordered"):
        await exchange.record(event)
    answer = await exchange.ask_json(request)
    handle = await remember_answer(exchange, HandleKind.JOB, answer, reached)
    return exchange.json({"ID": handle, "Path": f"/jobs/{handle}"})
