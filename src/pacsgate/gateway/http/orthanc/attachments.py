"""What Orthanc keeps beside a resource as bytes: the DICOM file itself, its summaries, what users attach.

The data of an instance's `dicom` attachment are its file, and leave as `orthanc.bytes` sends it.  What lies
beside a patient, study or series may tell of all of it, so only who sees all of it learns of that at all.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.orthanc.bytes import send_object
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import hide_reached, is_whole, reach_path, refuse_masked
from pacsgate.gateway.http.orthanc.relay import ANSWERS, relay
from pacsgate.model.decision import ReasonCode
from pacsgate.model.resource import Level
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.routing import OrthancMatch

_DICOM = frozenset({"dicom", "1"})
"""How Orthanc names the file of an instance among its attachments: by name and by number."""
_CONTENT = frozenset({"data", "compressed-data"})
_DIGESTS = frozenset({"compressed-md5", "info", "md5"})
"""Whoever has the masked file can try out what is missing until this is right."""


async def attachment(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the list of attachments, one of them, or what there is to know about one."""
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if not await is_whole(exchange, found, reached):
        # As if nothing were attached: to say more would say that something is hidden.
        if found.name is None:
            return exchange.json([])
        return await hide_reached(exchange, reached, ReasonCode.PARTLY_VISIBLE)
    if found.level is Level.INSTANCE and found.operation == "data" and found.name in _DICOM:
        return await send_object(exchange, reached)
    if found.operation in _CONTENT | _DIGESTS:
        refused = await refuse_masked(exchange, reached)
        if refused is not None:
            return refused
    body = None if found.route.method == "GET" else b""
    request = OrthancRequest(found.route.method, found.path, body=body, expected=ANSWERS)
    kind = EventKind.INSTANCES_TRANSFERRED if found.operation in _CONTENT else EventKind.INSTANCES_ACCESSED
    return await relay(exchange, reached, request, kind)
