"""Objects leave for another archive: by DIMSE, to an Orthanc peer, to a DICOMweb server, or to be committed.

What is sent is named to Orthanc instance by instance, just as it was decided.  Orthanc sends what it has
stored, so nothing of which a mask hides a part can be sent.

Called by `door`.

Standard: PS3.15 A.5.3.6 (Data Export).
"""

import msgspec
from starlette.responses import Response

from pacsgate.gateway.http.bounded_body import read_body
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.owned import remember_answer
from pacsgate.gateway.http.orthanc.reaching import (
    MAX_LIST_BYTES,
    action_of,
    instance_names,
    reach_each,
    refuse_masked,
)
from pacsgate.gateway.http.zip_export import export_events
from pacsgate.model.errors import PacsgateError
from pacsgate.ports.handles import HandleKind
from pacsgate.ports.orthanc import JOB_SECONDS, OrthancRequest
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.send_body import Recipient, Send, read_send

_RECIPIENTS = {
    "store": Recipient.MODALITY,
    "stow": Recipient.SERVER,
    "storage-commitment": Recipient.COMMITMENT,
}


async def send(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what the body names to the partner in the path, or say which job sends it."""
    kind = recipient_of(found)
    wanted = read_send(await read_body(exchange.request, at_most=MAX_LIST_BYTES), kind)
    outcome = await reach_each(exchange, wanted.resources, action_of(found))
    if isinstance(outcome, Response):
        return outcome
    (reached,) = outcome
    return await refuse_masked(exchange, reached) or await _send(exchange, found, wanted, reached)


def recipient_of(found: OrthancMatch) -> Recipient:
    """What kind of partner a row sends to."""
    if found.route.template.startswith("/peers/"):
        return Recipient.PEER
    return _RECIPIENTS[found.operation]


def recipient_name(found: OrthancMatch) -> str:
    """The partner in the path, as the record names it."""
    return f"{recipient_of(found).value}:{found.partner}"


async def _send(exchange: OrthancExchange, found: OrthancMatch, wanted: Send, reached: Reached) -> Response:
    body = msgspec.json.encode(wanted.upstream(tuple(instance_names(reached.reach))))
    recipient = recipient_name(found)
    await _record(exchange, reached, "begun", recipient)
    try:
        request = OrthancRequest("POST", found.path, body=body, patience_seconds=JOB_SECONDS)
        answer = await exchange.ask_json(request)
    except PacsgateError:
        await _record(exchange, reached, "broken", recipient)
        raise
    if wanted.recipient is Recipient.COMMITMENT:
        handle = await remember_answer(exchange, HandleKind.COMMITMENT, answer, reached)
        return exchange.json({"ID": handle, "Path": f"/storage-commitment/{handle}"})
    if wanted.job.asynchronous:
        handle = await remember_answer(exchange, HandleKind.JOB, answer, reached)
        await _record(exchange, reached, "handed over", recipient)
        return exchange.json({"ID": handle, "Path": f"/jobs/{handle}"})
    await _record(exchange, reached, "complete", recipient)
    return exchange.json(answer)


async def _record(exchange: OrthancExchange, reached: Reached, phase: str, recipient: str) -> None:
    for event in export_events(exchange, reached, phase, recipient=recipient, media="network"):
        await exchange.record(event)
