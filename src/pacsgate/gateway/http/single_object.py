"""One object as it is stored, by itself or as the only part of a multipart body: most of what a gate sends.

What `streams` does for any number of objects, made or as stored, is done here for this one with as
little as possible between the archive and the socket.

Called by the retrieving handlers.

Invariants:
- bytes are counted in their study's access window as they leave;
- access is asked again at least every second while the body runs;
- nothing more is read for a client that has gone than was on its way.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.handover import hand_over, nginx_location
from pacsgate.gateway.http.objects import Delivery
from pacsgate.gateway.http.orthanc.reaching import instance_name
from pacsgate.gateway.http.reading import Readings
from pacsgate.gateway.http.streams import NO_STORE, Watch, until_gone
from pacsgate.model.actions import Action
from pacsgate.ports import Chunk
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, content_type, part_head

_UNWATCHED_BYTES = 4 * 1024 * 1024
"""Sent before anybody looks whether the client is still there: most objects have ended by then."""


async def answer_with_one(
    exchange: Exchange, delivery: Delivery, action: Action, readings: Readings, boundary: str | None
) -> Response:
    """The answer that sends one object; its first bytes are in hand, so an archive that is down is a 502.

    With a boundary it is a multipart body; without one, nginx may be told to send it.  Whatever
    becomes of it, `readings` are left.
    """
    location = None if boundary is not None else nginx_location(exchange)
    if location is not None:
        name = instance_name(delivery.part, delivery.instance.sop_instance_uid)
        target, headers = f"{location}instances/{name}/file", {"Content-Type": delivery.media_type}
        return hand_over(readings, delivery.part, target, headers=headers)
    try:
        source = exchange.gate.archives[exchange.archive].open(delivery.part.key_of(delivery.instance))
        stream = source.stream()
        first = await anext(stream, b"")
    except BaseException:  # cancelled or refused: either way nothing was sent
        readings.leave()
        raise
    head = b"" if boundary is None else part_head(boundary, delivery.media_type)
    tail = b"" if boundary is None else PART_TAIL + closing(boundary)
    media_type = delivery.media_type if boundary is None else content_type(boundary, MediaType.DICOM)
    size = delivery.instance.size if source.size is None else source.size
    headers = {**NO_STORE, "Content-Type": media_type}
    if size is not None:
        headers["Content-Length"] = str(len(head) + size + len(tail))
    body = _Body(exchange, delivery, action, readings, first, stream)
    if exchange.request.method == "HEAD":
        await body.end()
        return Response(headers=headers)
    return _OneObject(body, head, tail, headers)


class _Body:
    """The bytes of the object, watched and counted."""

    def __init__(
        self,
        exchange: Exchange,
        delivery: Delivery,
        action: Action,
        readings: Readings,
        first: Chunk,
        stream: AsyncGenerator[Chunk, None],
    ) -> None:
        self._watch = Watch(exchange, action)
        self._part = delivery.part
        self._readings = readings
        self._first = first
        self._stream = stream

    async def send(self, send: Send, receive: Receive, head: bytes, tail: bytes) -> None:
        """Send everything, or as much as the client waits for."""
        if head:
            await send({"type": "http.response.body", "body": head, "more_body": True})
        self._readings.sent(self._part, instances=1, bytes_sent=0)
        chunk, unwatched = self._first, _UNWATCHED_BYTES
        going: asyncio.Task[None] | None = None
        try:
            while chunk:
                await self._watch.check(self._part)
                self._readings.sent(self._part, instances=0, bytes_sent=len(chunk))
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                unwatched -= len(chunk)
                if unwatched < 0:
                    going = going or asyncio.create_task(until_gone(receive))
                    if going.done():
                        return
                chunk = await anext(self._stream, b"")
            await send({"type": "http.response.body", "body": tail, "more_body": False})
        finally:
            if going is not None:
                going.cancel()

    async def end(self) -> None:
        """Leave the archive and the windows."""
        try:
            await self._stream.aclose()
        finally:
            self._readings.leave()


class _OneObject(Response):
    def __init__(self, body: _Body, head: bytes, tail: bytes, headers: Mapping[str, str]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._body = body
        self._head = head
        self._tail = tail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's
        """Send the head and the body."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._body.send(send, receive, self._head, self._tail)
        finally:
            await self._body.end()
