"""WADO-RS objects: a study, series or instance as DICOM, or as a zip that is built to leave.

Standard: PS3.18 section 10.4.1.1.1 (DICOM resources).
"""

import secrets

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.dicomweb.export import export_zip
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import action_of, named_key
from pacsgate.gateway.http.objects import deliveries
from pacsgate.gateway.http.reading import open_readings
from pacsgate.gateway.http.single_object import answer_with_one
from pacsgate.gateway.http.streams import length_of_parts, many_objects, one_object, started
from pacsgate.model.actions import Action
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.multipart import content_type
from pacsgate.protocols.dicomweb.routing import RouteMatch


async def retrieve(exchange: Exchange, found: RouteMatch) -> Response:
    """Send the visible objects of what is named."""
    representation = exchange.representations(found)[0]
    key = named_key(found)
    action = action_of(found, representation.media)
    if action is Action.EXPORT:
        return await export_zip(exchange, key)
    reached = await exchange.reach(key, action)
    if isinstance(reached, Response):
        return reached
    items = deliveries(reached.reach.parts, representation.transfer_syntaxes)
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_TRANSFERRED
    )
    boundary = secrets.token_hex(16) if representation.multipart else None
    if len(items) == 1 and items[0].is_as_stored:
        return await answer_with_one(exchange, items[0], action, readings, boundary)
    if boundary is None:
        body = one_object(exchange, items[0], action, readings)
        return await started(exchange.request, body, items[0].media_type)
    body = many_objects(exchange, items, action, readings, boundary)
    return await started(
        exchange.request,
        body,
        content_type(boundary, MediaType.DICOM),
        length=length_of_parts(items, boundary),
    )
