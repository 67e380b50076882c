"""Bodies made of many objects, sent as they are read.

A body is an async iterator of chunks.  `started` pulls the first chunk before
the response begins, so that an archive that is down is a 502 and not a broken
200.  While a body runs, access is asked again at least every second: who is
locked out or loses a grant is cut off in the middle.

Called by the retrieving handlers.

Invariants:
- bytes are counted in their study's access window as they leave;
- no object is read before the one before it was handed to the client.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.objects import Delivery, object_bytes
from pacsgate.gateway.http.reading import Readings
from pacsgate.model.actions import Action
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, part_head
from pacsgate.services.resolve import Part

RECHECK_SECONDS = 1.0
"""Design: running streams end within 2 s of a revocation; a chunk takes well under the other second."""

NO_STORE = {"Cache-Control": "private, no-store"}


@dataclass(slots=True)
class Watch:
    """Asks again, now and then, whether what is being sent may still be sent."""

    exchange: Exchange
    action: Action
    _asked_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._asked_at = self.exchange.gate.clock.monotonic()

    async def check(self, part: Part) -> None:
        """Raise `ArchiveError`, which ends the body, if access to `part` was withdrawn."""
        now = self.exchange.gate.clock.monotonic()
        if now - self._asked_at >= RECHECK_SECONDS:
            self._asked_at = now
            await self.exchange.in_thread(partial(self.exchange.require_still_allowed, self.action, part))


async def one_object(
    exchange: Exchange, delivery: Delivery, action: Action, readings: Readings
) -> AsyncIterator[bytes]:
    """One object by itself."""
    try:
        async for chunk in _object(exchange, delivery, Watch(exchange, action), readings):
            yield chunk
    finally:
        readings.leave()


async def many_objects(
    exchange: Exchange, items: Sequence[Delivery], action: Action, readings: Readings, boundary: str
) -> AsyncIterator[bytes]:
    """Objects as the parts of a multipart/related body."""
    watch = Watch(exchange, action)
    try:
        for delivery in items:
            head = part_head(boundary, delivery.media_type)
            async for chunk in _object(exchange, delivery, watch, readings):
                yield head + chunk if head else chunk
                head = b""
            yield PART_TAIL
        yield closing(boundary)
    finally:
        readings.leave()


async def _object(
    exchange: Exchange, delivery: Delivery, watch: Watch, readings: Readings
) -> AsyncIterator[bytes]:
    readings.sent(delivery.part, instances=1, bytes_sent=0)
    await watch.check(delivery.part)
    async for chunk in object_bytes(exchange, delivery):
        await watch.check(delivery.part)
        readings.sent(delivery.part, instances=0, bytes_sent=len(chunk))
        yield chunk


async def started(
    request: Request, body: AsyncIterator[bytes], media_type: str, *, length: int | None = None
) -> Response:
    """A response over a body whose first chunk is already in hand; for HEAD, without the body."""
    first = await anext(body, b"")
    headers = dict(NO_STORE) if length is None else {**NO_STORE, "Content-Length": str(length)}
    if request.method == "HEAD":
        await body.aclose()  # type: ignore[attr-defined]  # all bodies here are generators
        response = Response(headers=headers)
        response.headers["Content-Type"] = media_type
        return response

    async def chunks() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for chunk in body:
            yield chunk

    response = StreamingResponse(chunks(), headers=headers)
    response.headers["Content-Type"] = media_type
    return response
