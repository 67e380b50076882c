"""WADO-RS metadata: every visible instance's data set without bulk data.

Standard: PS3.18 section 10.4.1.1.2 (metadata resources).
"""

from collections.abc import Iterator

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.json_model import TagPath, to_json
from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.gateway.http.data_sets import data_sets_body
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import action_of, named_key
from pacsgate.gateway.http.reading import open_readings
from pacsgate.gateway.http.streams import NO_STORE
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.accept import Representation
from pacsgate.protocols.dicomweb.bulk_uris import bulkdata_url
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Part, Reach


async def metadata(exchange: Exchange, found: RouteMatch) -> Response:
    """Send the metadata of what is visible of the named resource."""
    representation = exchange.representations(found)[0]
    reached = await exchange.reach(named_key(found), action_of(found, representation.media))
    if isinstance(reached, Response):
        return reached
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
    )
    try:
        body, media_type = await exchange.at_archive(lambda: _body(exchange, reached.reach, representation))
        for part in reached.reach.parts:
            readings.sent(part, instances=len(part.instances), bytes_sent=0)
        readings.sent(reached.reach.parts[0], instances=0, bytes_sent=len(body))
    finally:
        readings.leave()
    return Response(body, headers={**NO_STORE, "Content-Type": media_type})


def _body(exchange: Exchange, reach: Reach, representation: Representation) -> tuple[bytes, str]:
    return data_sets_body((row for part in reach.parts for row in _of_part(exchange, part)), representation)


def _of_part(exchange: Exchange, part: Part) -> Iterator[DicomJson]:
    """One series' instances.  The archive may hold more by now than the index; those are left out."""
    archive = exchange.gate.archives[exchange.archive]
    named = {instance.sop_instance_uid for instance in part.instances}
    series = ResourceKey(part.study.study_instance_uid, part.series.series_instance_uid)
    key = part.key_of(part.instances[0]) if len(part.instances) == 1 else series
    for dataset in archive.headers(key):
        uid = str(dataset.get("SOPInstanceUID", ""))
        if uid in named:
            named.discard(uid)
            instance = ResourceKey(key.study_instance_uid, series.series_instance_uid, uid)

            def link(place: TagPath, instance: ResourceKey = instance) -> str:
                return bulkdata_url(exchange.root, instance, place)

            yield mask_json(to_json(dataset, link), part.mask)
