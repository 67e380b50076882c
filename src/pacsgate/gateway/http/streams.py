"""Bodies made of many objects, sent as they are read.

A body is an async iterator of chunks.  `started` pulls the first chunk before
the response begins, so that an archive that is down is a 502 and not a broken
200.  While a body runs, access is asked again at least every second: who is
locked out or loses a grant is cut off in the middle.

Called by the retrieving handlers.

Invariants:
- bytes are counted in their study's access window as they leave;
- no object is read before the one before it was handed to the client;
- nothing more is read for a client that has gone.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.objects import Delivery, object_bytes
from pacsgate.gateway.http.reading import Readings
from pacsgate.model.actions import Action
from pacsgate.ports import Chunk
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
        if self._is_due():
            await self.exchange.in_thread(partial(self.exchange.require_still_allowed, self.action, part))

    async def check_all(self, parts: Sequence[Part]) -> None:
        """The same for a body that holds something of each of `parts`, nobody knows where."""
        if self._is_due():

            def work() -> None:
                for part in parts:
                    self.exchange.require_still_allowed(self.action, part)

            await self.exchange.in_thread(work)

    def check_here(self, part: Part) -> None:
        """The same, in a thread already."""
        if self._is_due():
            self.exchange.require_still_allowed(self.action, part)

    def _is_due(self) -> bool:
        now = self.exchange.gate.clock.monotonic()
        due = now - self._asked_at >= RECHECK_SECONDS
        if due:
            self._asked_at = now
        return due


async def one_object(
    exchange: Exchange, delivery: Delivery, action: Action, readings: Readings
) -> AsyncGenerator[Chunk, None]:
    """One object by itself."""
    try:
        async for chunk in _object(exchange, delivery, Watch(exchange, action), readings):
            yield chunk
    finally:
        readings.leave()


async def many_objects(
    exchange: Exchange, items: Sequence[Delivery], action: Action, readings: Readings, boundary: str
) -> AsyncGenerator[Chunk, None]:
    """Objects as the parts of a multipart/related body."""
    watch = Watch(exchange, action)
    tail = b""
    try:
        for delivery in items:
            head = tail + part_head(boundary, delivery.media_type)
            tail = PART_TAIL
            async for chunk in _object(exchange, delivery, watch, readings):
                # Sent by itself: to put it before the chunk would copy the chunk.
                if head:
                    yield head
                    head = b""
                yield chunk
        yield tail + closing(boundary)
    finally:
        readings.leave()


def length_of_parts(items: Sequence[Delivery], boundary: str) -> int | None:
    """How long the body of `many_objects` will be, if every object leaves as stored and its size is known."""
    sizes = [item.instance.size for item in items if item.is_as_stored and item.instance.size is not None]
    if len(sizes) < len(items):
        return None
    frames = sum(len(part_head(boundary, item.media_type)) + len(PART_TAIL) for item in items)
    return sum(sizes) + frames + len(closing(boundary))


async def _object(
    exchange: Exchange, delivery: Delivery, watch: Watch, readings: Readings
) -> AsyncGenerator[Chunk, None]:
    readings.sent(delivery.part, instances=1, bytes_sent=0)
    await watch.check(delivery.part)
    async for chunk in object_bytes(exchange, delivery):
        await watch.check(delivery.part)
        readings.sent(delivery.part, instances=0, bytes_sent=len(chunk))
        yield chunk


class _Streamed(Response):
    """Sends a body whose first chunk is in hand.

    Whether the client is still there is looked at with each chunk; a task group
    that would end the body in the middle of one costs more than the body itself.
    """

    def __init__(
        self, first: Chunk, rest: AsyncGenerator[Chunk, None], headers: Mapping[str, str], media_type: str
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**headers, "Content-Type": media_type})
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's
        """Send everything, or as much as the client waits for."""
        going = asyncio.create_task(until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for chunk in self._rest:
                if going.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            going.cancel()
            await self._rest.aclose()


async def until_gone(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def started(
    request: Request, body: AsyncGenerator[Chunk, None], media_type: str, *, length: int | None = None
) -> Response:
    """A response over a body whose first chunk is already in hand; for HEAD, without the body."""
    first = await anext(body, b"")
    headers = NO_STORE if length is None else {**NO_STORE, "Content-Length": str(length)}
    if request.method == "HEAD":
        await body.aclose()
        return Response(headers={**headers, "Content-Type": media_type})
    return _Streamed(first, body, headers, media_type)
