"""WADO-URI: the older way to one instance, served by what serves the newer one.

Standard: PS3.18 section 9 (URI Service).
"""

from collections.abc import Iterator

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.rendering import RenderedType, render
from pacsgate.gateway.http.exchange import Exchange, Reached
from pacsgate.gateway.http.named import action_of
from pacsgate.gateway.http.objects import deliveries
from pacsgate.gateway.http.parts import Piece, send_pieces
from pacsgate.gateway.http.pixel_objects import images
from pacsgate.gateway.http.reading import open_readings
from pacsgate.gateway.http.streams import one_object, started
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.accept import negotiate
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.protocols.dicomweb.wado_uri import WadoUriRequest, read_wado_uri


async def wado_uri(exchange: Exchange, found: RouteMatch) -> Response:
    """Send one instance as a picture or as the DICOM object."""
    asked = read_wado_uri(exchange.parameters)
    accept = ", ".join(exchange.request.headers.getlist("accept")) or None
    representation = negotiate(offers(found.route), accept, asked.accept)[0]
    action = action_of(found, representation.media)
    reached = await exchange.reach(asked.key, action)
    if isinstance(reached, Response):
        return reached
    if representation.media is MediaType.DICOM:
        return await _object(exchange, asked, reached, action)
    kind = RenderedType(representation.media.value)

    def pieces() -> Iterator[Piece]:
        none = RequestError("nothing here can be rendered", status=406)
        for part, dataset in images(exchange, reached.reach, none=none):
            number = asked.frame or 1
            yield Piece(part, render(dataset, number, kind, asked.rendering), kind.value)

    return await send_pieces(exchange, reached, pieces, multipart=False, root_type=kind.value)


async def _object(exchange: Exchange, asked: WadoUriRequest, reached: Reached, action: Action) -> Response:
    # PS3.18 9.1.2.2.5 would have Explicit VR Little Endian where none is asked for; what
    # cannot be decoded here would then not leave at all, so it is sent as it is stored.
    syntaxes = () if asked.transfer_syntax is None else (asked.transfer_syntax,)
    (delivery,) = deliveries(reached.reach.parts, syntaxes)
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_TRANSFERRED
    )
    body = one_object(exchange, delivery, action, readings)
    length = delivery.instance.size if delivery.is_as_stored else None
    return await started(exchange.request, body, MediaType.DICOM.value, length=length)
