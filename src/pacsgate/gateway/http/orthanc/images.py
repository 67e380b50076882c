"""Pictures and raw frames of one instance as Orthanc makes them: preview, rendered, image-…, raw, numpy, pdf.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.masking import hides_pixels
from pacsgate.gateway.http.handover import hand_over, nginx_location
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import hide_reached, is_whole, reach_path, refuse_reached
from pacsgate.gateway.http.orthanc.relay import ANSWERS, relay
from pacsgate.gateway.http.reading import open_readings
from pacsgate.model.decision import ReasonCode
from pacsgate.model.resource import Level
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.picture_arguments import read_picture_arguments
from pacsgate.protocols.orthanc.routing import OrthancMatch

_HIDDEN = "images are hidden from this account here"
_PDF = "pdf"


async def image(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send what Orthanc makes of the pixels, or of the document, of what the path names."""
    arguments = read_picture_arguments(exchange.parameters)
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    if any(
        part.mask.hides("EncapsulatedDocument") if found.operation == _PDF else hides_pixels(part.mask)
        for part in reached.reach.parts
    ):
        return await refuse_reached(exchange, reached, ReasonCode.OBLIGATION_UNSUPPORTED, _HIDDEN)
    if not await is_whole(exchange, found, reached):
        # A matrix of a whole series, of which something is hidden: made of the rest, it would be another one.
        return await hide_reached(exchange, reached, ReasonCode.PARTLY_VISIBLE)
    location = nginx_location(exchange)
    if location is not None and found.level is Level.INSTANCE:
        readings = await open_readings(
            exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
        )
        target = location + found.path.removeprefix("/")
        return hand_over(readings, reached.reach.parts[0], target, query=arguments)
    accept = exchange.request.headers.get("accept")
    request = OrthancRequest(
        "GET",
        found.path,
        query=arguments,
        headers={} if accept is None else {"Accept": accept},
        expected=ANSWERS,
    )
    return await relay(exchange, reached, request, EventKind.INSTANCES_ACCESSED)
