"""`/jobs`: what one has started oneself, and what came of it, decided again when it is fetched or goes on.

Who holds `JobAdminister` sees how everybody's jobs go and can stop them, but fetches only what that subject
may export itself.

Called by `door`.

Invariants:
- a job that goes on or begins anew is allowed and on record as if it were started then.
"""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from pacsgate.gateway.http import answers
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.exports import relay_export
from pacsgate.gateway.http.orthanc.owned import allowed_again, own, own_among
from pacsgate.gateway.http.orthanc.reaching import refuse_masked
from pacsgate.gateway.http.orthanc.recording import record_administration, recorded_change
from pacsgate.gateway.http.orthanc.relay import ANSWERS, require_made
from pacsgate.gateway.http.zip_export import export_events
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from pacsgate.model.permission import Permission
from pacsgate.ports.handles import HandleKind, OwnedHandle
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.arguments import read_flag
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.system import public_job
from pacsgate.protocols.query_string import single_values

_GOES_ON = frozenset({"resume", "resubmit"})
_RECIPIENTS = {"RemoteAet": "modality", "Peer": "peer", "Server": "server"}
"""Where Orthanc says in a job to whom it sends."""


async def job(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """List, look at, fetch, control or remove jobs."""
    if found.handle is None:
        return await _list(exchange)
    owned = await own(exchange, HandleKind.JOB, found.handle)
    if isinstance(owned, Response):
        return owned
    match found.route.method, found.operation, found.name:
        case "GET", _, None:
            document = await exchange.ask_json(OrthancRequest("GET", found.path))
            return exchange.json(_public(exchange, document, owned))
        case "GET", _, str():
            return await _output(exchange, found, owned)
        case _:
            return await _control(exchange, found, owned)


async def _list(exchange: OrthancExchange) -> Response:
    handles = await own_among(exchange, HandleKind.JOB, "/jobs")
    if not read_flag(single_values(exchange.parameters), "expand"):
        return exchange.json(handles)
    documents = await exchange.ask_json(OrthancRequest("GET", "/jobs", query=(("expand", ""),)))
    if not isinstance(documents, list):
        raise ArchiveError("the archive answered with what is no list")
    mine = await exchange.in_thread(lambda: _owned(exchange, handles))
    return exchange.json(
        [
            _public(exchange, document, mine.get(document["ID"]))
            for document in documents
            if document["ID"] in handles
        ]
    )


def _owned(exchange: OrthancExchange, handles: tuple[str, ...]) -> dict[str, OwnedHandle]:
    found = (
        exchange.gate.handles.find(exchange.scope, exchange.archive, HandleKind.JOB, handle)
        for handle in handles
    )
    return {each.handle: each for each in found if each is not None}


def _public(exchange: OrthancExchange, document: Any, owned: OwnedHandle | None) -> dict[str, Any]:
    return public_job(document, own=owned is not None and owned.subject == exchange.subject.name)


async def _output(exchange: OrthancExchange, found: OrthancMatch, owned: OwnedHandle) -> Response:
    """Send what a job has made, if all that is in it may still be exported."""
    if owned.action is not Action.EXPORT:
        return answers.not_found()
    reached = await allowed_again(exchange, owned)
    if isinstance(reached, Response):
        return reached
    refused = await refuse_masked(exchange, reached)
    if refused is not None:
        return refused
    return await relay_export(exchange, reached, OrthancRequest("GET", found.path, expected=ANSWERS))


async def _control(exchange: OrthancExchange, found: OrthancMatch, owned: OwnedHandle) -> Response:
    if found.operation in _GOES_ON:
        refused = await _refuse_to_go_on(exchange, found, owned)
        if refused is not None:
            return refused
    request = OrthancRequest(found.route.method, found.path, body=b"", expected=ANSWERS)
    async with exchange.ask(request) as answer:
        require_made(answer)
    if found.route.method == "DELETE" and found.name is None:
        await exchange.in_thread(
            lambda: exchange.gate.handles.forget(
                exchange.scope, exchange.archive, HandleKind.JOB, [owned.handle]
            )
        )
    return exchange.json({})


async def _refuse_to_go_on(
    exchange: OrthancExchange, found: OrthancMatch, owned: OwnedHandle
) -> Response | None:
    """The recorded refusal of a job that goes on or begins anew, or `None` when that is on record."""
    if owned.action is None:
        # What was started past the gate may send anything anywhere: nobody here knows.
        permission = Permission.REMOTE_QUERY if owned.subject else Permission.ARCHIVE_OPERATE
        refused = await exchange.require_permission(permission)
        if refused is None:
            await record_administration(exchange, found, job=owned.handle)
        return refused
    if owned.action is Action.DELETE:
        # What removes its sources makes something of them first.
        first = await allowed_again(exchange, replace(owned, action=Action.UPDATE))
        if isinstance(first, Response):
            return first
    reached = await allowed_again(exchange, owned)
    if isinstance(reached, Response):
        return reached
    if owned.action is not Action.EXPORT:
        async with recorded_change(exchange, reached, found, job=owned.handle):
            return None
    refused = await refuse_masked(exchange, reached)
    if refused is None:
        recipient = await _recipient(exchange, owned)
        for event in export_events(exchange, reached, found.operation, recipient=recipient, media="network"):
            await exchange.record(event)
    return refused


async def _recipient(exchange: OrthancExchange, owned: OwnedHandle) -> str:
    """To whom a job sends, as far as Orthanc says it."""
    document = await exchange.ask_json(OrthancRequest("GET", f"/jobs/{owned.handle}"))
    content = document.get("Content") if isinstance(document, dict) else None
    named = ((kind, content.get(field)) for field, kind in _RECIPIENTS.items()) if content else ()
    return next((f"{kind}:{name}" for kind, name in named if name), f"job:{owned.handle}")
