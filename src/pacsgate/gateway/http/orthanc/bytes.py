"""`/instances/{id}/file`: one object as it is stored, or rewritten where a mask hides something in it.

Called by `door`.
"""

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.objects import deliveries
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import instance_name, reach_path
from pacsgate.gateway.http.reading import open_readings
from pacsgate.gateway.http.single_object import answer_with_one
from pacsgate.gateway.http.streams import one_object, started
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.orthanc.routing import OrthancMatch


async def file(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send the instance that the path names.

    Orthanc sends the whole file whatever `Range` says, and so does the gate.
    """
    if any(name == "transcode" for name, _ in exchange.parameters):
        raise RequestError("`transcode` is not served here: take the object as it is stored")
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    return await send_object(exchange, reached)


async def send_object(exchange: OrthancExchange, reached: Reached) -> Response:
    """Send the one instance in reach."""
    (delivery,) = deliveries(reached.reach.parts, ())
    action = reached.reach.action
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_TRANSFERRED
    )
    if delivery.is_as_stored:
        response = await answer_with_one(exchange, delivery, action, readings, None)
    else:
        body = one_object(exchange, delivery, action, readings)
        response = await started(exchange.request, body, delivery.media_type)
    # As Orthanc says it: without the transfer syntax, and with a name to save it under.
    name = instance_name(delivery.part, delivery.instance.sop_instance_uid)
    response.headers["Content-Type"] = MediaType.DICOM.value
    response.headers["Content-Disposition"] = f'filename="{name}.dcm"'
    return response
