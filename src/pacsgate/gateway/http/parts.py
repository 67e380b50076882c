"""Small multipart answers whose parts are made one by one: frames, bulk data, rendered images.

A part is made in a thread, counted, sent, and forgotten before the next.

Called by the pixel and image handlers.
"""

import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.exchange import Exchange, Reached
from pacsgate.gateway.http.reading import Readings, open_readings
from pacsgate.gateway.http.streams import Watch, started
from pacsgate.model.actions import Action
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, content_type, part_head
from pacsgate.services.resolve import Part


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of an answer: its bytes, its full media type, and the series it comes from."""

    part: Part
    data: bytes
    media_type: str
    location: str | None = None


async def send_pieces(
    exchange: Exchange,
    reached: Reached,
    pieces: Callable[[], Iterator[Piece]],
    *,
    multipart: bool,
    root_type: str,
) -> Response:
    """Send what `pieces` makes, as multipart/related or, if there is to be one, by itself.

    `pieces` runs in a thread, one step at a time; its `RequestError` before the
    first piece becomes the answer.
    """
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
    )
    if multipart:
        boundary = secrets.token_hex(16)
        body = _parts(exchange, readings, pieces, boundary)
        return await started(exchange.request, body, content_type(boundary, root_type))
    try:
        piece = await exchange.at_archive(lambda: next(pieces()))
        readings.sent(piece.part, instances=1, bytes_sent=len(piece.data))
    finally:
        readings.leave()
    return Response(
        piece.data, headers={"Cache-Control": "private, no-store", "Content-Type": piece.media_type}
    )


async def _parts(
    exchange: Exchange, readings: Readings, pieces: Callable[[], Iterator[Piece]], boundary: str
) -> AsyncGenerator[bytes, None]:
    watch = Watch(exchange, Action.VIEW)
    made = pieces()
    try:
        while (piece := await exchange.at_archive(lambda: next(made, None))) is not None:
            await watch.check(piece.part)
            readings.sent(piece.part, instances=1, bytes_sent=len(piece.data))
            yield part_head(boundary, piece.media_type, piece.location) + piece.data + PART_TAIL
        yield closing(boundary)
    finally:
        readings.leave()
