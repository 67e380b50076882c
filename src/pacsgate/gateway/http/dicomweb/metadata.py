"""WADO-RS metadata: every visible instance's data set without bulk data.

A large study's metadata leaves in batches, so that no worker holds it whole.  What goes
wrong before the first batch is an error; afterwards the answer stops short.

Standard: PS3.18 section 10.4.1.1.2 (metadata resources).
"""

from collections.abc import AsyncGenerator, Iterator
from itertools import chain

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.dicom.json_model import TagPath, to_json
from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.gateway.http.data_sets import Form, form_of
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.named import action_of, named_key
from pacsgate.gateway.http.reading import Readings, open_readings
from pacsgate.gateway.http.streams import NO_STORE, Watch, started
from pacsgate.model.actions import Action
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Chunk
from pacsgate.protocols.dicomweb.bulk_uris import bulkdata_url
from pacsgate.protocols.dicomweb.routing import RouteMatch
from pacsgate.services.resolve import Part, Reach, ReachedSeries

BATCH_BYTES = 1024 * 1024
"""Made at a time: the metadata of most studies at once, of any study without holding it whole."""

_Row = tuple[Part, DicomJson]


async def metadata(exchange: Exchange, found: RouteMatch) -> Response:
    """Send the metadata of what is visible of the named resource."""
    representation = exchange.representations(found)[0]
    reached = await exchange.reach(named_key(found), action_of(found, representation.media))
    if isinstance(reached, Response):
        return reached
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
    )
    form = form_of(representation)
    batches = _Batches(exchange, readings, reached.reach, form)
    try:
        first = await batches.take()
    except BaseException:  # whatever it was, nothing was sent
        readings.leave()
        raise
    if batches.ended:
        readings.leave()
        return Response(first, headers={**NO_STORE, "Content-Type": form.content_type})
    return await started(exchange.request, batches.all_from(first), form.content_type)


class _Batches:
    """A body of data sets, made a batch at a time in a thread of the archive's."""

    def __init__(self, exchange: Exchange, readings: Readings, reach: Reach, form: Form) -> None:
        self._exchange = exchange
        self._readings = readings
        self._rows = _rows(exchange, reach)
        self._form = form
        self._last = reach.parts[0]
        self._sizes: list[tuple[Part, int]] = []
        """Of the data sets in the last batch."""
        self._watch = Watch(exchange, Action.VIEW)
        self._ahead = form.start
        self.ended = False

    async def take(self) -> bytes:
        """The next batch.  Raises `ArchiveError`, also when access was withdrawn meanwhile."""
        body = await self._exchange.at_archive(self._make)
        for part, size in self._sizes:
            self._readings.sent(part, instances=1, bytes_sent=size)
        around = len(body) - sum(size for _, size in self._sizes)
        self._readings.sent(self._last, instances=0, bytes_sent=around)
        return body

    async def all_from(self, first: bytes) -> AsyncGenerator[Chunk, None]:
        """The whole body, of which the first batch is in hand."""
        try:
            yield first
            while not self.ended:
                yield await self.take()
        finally:
            self._readings.leave()

    def _make(self) -> bytes:
        body, self._sizes = bytearray(), []
        for part, data_set in self._rows:
            self._watch.check_here(part)
            piece = self._form.one(data_set)
            body += self._ahead + piece
            self._ahead = self._form.between
            self._sizes.append((part, len(piece)))
            self._last = part
            if len(body) >= BATCH_BYTES:
                return bytes(body)
        self.ended = True
        if self._ahead != self._form.between:  # there was no data set at all
            body += self._ahead
        return bytes(body + self._form.end)


def _rows(exchange: Exchange, reach: Reach) -> Iterator[_Row]:
    for series in reach.by_series:
        yield from _of_series(exchange, series)


def _of_series(exchange: Exchange, series: ReachedSeries) -> Iterator[_Row]:
    """The allowed instances of one series; what the archive holds by now beyond the index is left out."""
    archive = exchange.gate.archives[exchange.archive]
    wanted = {instance.sop_instance_uid: part for part in series.parts for instance in part.instances}
    keys = (
        (series.key,)
        if series.is_whole and len(wanted) > 1
        else tuple(part.key_of(instance) for part in series.parts for instance in part.instances)
    )
    for dataset in chain.from_iterable(map(archive.headers, keys)):
        uid = str(dataset.get("SOPInstanceUID", ""))
        part = wanted.pop(uid, None)
        if part is None:
            continue
        instance = ResourceKey(series.key.study_instance_uid, series.key.series_instance_uid, uid)

        def link(place: TagPath, instance: ResourceKey = instance) -> str:
            return bulkdata_url(exchange.root, instance, place)

        yield part, mask_json(to_json(dataset, link), part.mask)
