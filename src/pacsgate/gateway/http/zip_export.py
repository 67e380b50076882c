"""Visible objects as one zip file: built to leave, so recorded with recipient, objects and bytes.

Two events frame the export of each study: that it began, before its first byte,
and what was really sent, when it ended or broke.

Called by the handlers that send archives, of both dialects.

Standard: PS3.15 A.5.3.6 (Data Export); media type of PS3.18 8.7.3.
"""

from collections.abc import AsyncGenerator, Callable, Iterator

from starlette.responses import Response
from zipstream import ZIP_STORED, ZipStream

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.gateway.http.exchange import Exchange, Reached
from pacsgate.gateway.http.objects import Delivery, deliveries, rewritten_or_none
from pacsgate.gateway.http.streams import Watch, started
from pacsgate.model.actions import Action
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.services.record import study_object

NameOf = Callable[[Delivery], str]
"""Where in the zip file an object lies; asked once for each, in order."""


async def send_zip(exchange: Exchange, reached: Reached, name_of: NameOf) -> Response:
    """Send everything in reach, which is that of an export."""
    for event in export_events(exchange, reached, "begun"):
        await exchange.record(event)
    return await started(exchange.request, _body(exchange, reached, name_of), MediaType.ZIP.value)


def export_events(
    exchange: Exchange,
    reached: Reached,
    phase: str,
    *,
    sent: int | None = None,
    recipient: str | None = None,
    media: str = MediaType.ZIP.value,
) -> list[AuditEvent]:
    """One event for each study, to the client itself unless somebody else receives it.

    The bytes are those of the whole export.
    """
    return [
        reached.circumstances.event(
            EventKind.DATA_EXPORTED,
            outcome=Outcome.MINOR if phase == "broken" else Outcome.SUCCESS,
            action=Action.EXPORT,
            study=study_object(study, reached.reach.parts),
            reasons=reached.reach.reasons,
            recipient=recipient or exchange.context.client_address,
            count=reached.reach.instance_count,
            bytes_sent=sent,
            details={"phase": phase, "media": media},
        )
        for study in reached.reach.studies
    ]


async def _body(exchange: Exchange, reached: Reached, name_of: NameOf) -> AsyncGenerator[bytes, None]:
    sent = 0
    phase = "broken"
    try:
        made = _zip(exchange, reached, name_of)
        while (chunk := await exchange.at_archive(lambda: next(made, None))) is not None:
            sent += len(chunk)
            yield chunk
        phase = "complete"
    finally:
        # A client that went away has received what was sent so far.
        for event in export_events(exchange, reached, phase, sent=sent):
            exchange.gate.trail.submit(event)


def _zip(exchange: Exchange, reached: Reached, name_of: NameOf) -> Iterator[bytes]:
    """The zip file, uncompressed: images hardly shrink, and a stored member streams."""
    archive = ZipStream(compress_type=ZIP_STORED)
    watch = Watch(exchange, Action.EXPORT)
    for delivery in deliveries(reached.reach.parts, ()):
        archive.add(_member(exchange, delivery, watch), arcname=name_of(delivery))
    yield from archive


def _member(exchange: Exchange, delivery: Delivery, watch: Watch) -> Iterator[bytes]:
    watch.check_here(delivery.part)
    changed = rewritten_or_none(exchange, delivery)
    if changed is not None:
        yield changed
        return
    key = delivery.part.key_of(delivery.instance)
    for chunk in exchange.gate.archives[exchange.archive].open(key).chunks():
        watch.check_here(delivery.part)
        yield bytes(chunk)
