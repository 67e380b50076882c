"""What Orthanc makes of something that was decided, handed on as it comes: pictures, attachments, media.

The path asked is made by the caller from names that the gate computed; of what the client
sent, only `Accept` and the arguments that a handler lists go along.  Of the answer, the type of
its body and its length come back, and no other field.

Called by the handlers of bytes.

Invariants:
- bytes are counted in their study's access window as they leave;
- access is asked again at least every second while the body runs.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.reading import Readings, open_readings
from pacsgate.gateway.http.streams import Watch, started
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import Chunk
from pacsgate.ports.orthanc import OrthancRequest, OrthancResponse

ANSWERS = frozenset({200, 400, 404, 406, 415})
"""Orthanc's statuses for "here it is" and for what cannot be made of this object."""

_REFUSED: Mapping[int, str] = {
    400: "the archive cannot make this of the object",
    404: "not found",
    406: "the archive cannot send what `Accept` asks for",
    415: "the archive cannot decode this object",
}


async def relay(
    exchange: OrthancExchange, reached: Reached, request: OrthancRequest, kind: EventKind
) -> Response:
    """Send Orthanc's answer, recorded as a read of everything in reach.  `request` expects `ANSWERS`."""
    async with AsyncExitStack() as stack:
        readings = await open_readings(exchange, reached.reach, reached.circumstances, kind)
        stack.callback(readings.leave)
        answer = await stack.enter_async_context(exchange.ask(request))
        require_made(answer)
        for part in reached.reach.parts:
            readings.sent(part, instances=len(part.instances), bytes_sent=0)
        body = _body(exchange, reached, answer, readings, stack.pop_all())
    media_type = answer.headers.get("content-type", "application/octet-stream")
    return await started(exchange.request, body, media_type, length=answer.size)


def require_made(answer: OrthancResponse) -> None:
    """Raise `RequestError` unless Orthanc made what it was asked for."""
    if answer.status != 200:
        raise RequestError(_REFUSED[answer.status], status=answer.status)


async def ask_made(exchange: OrthancExchange, request: OrthancRequest, *, at_most: int) -> Mapping[str, Any]:
    """What Orthanc says it made.  `request` expects `ANSWERS`; raises `RequestError`, `ArchiveError`."""
    async with exchange.ask(request) as answer:
        require_made(answer)
        content = await answer.read(at_most)
    with suppress(msgspec.DecodeError):
        document = msgspec.json.decode(content)
        if isinstance(document, dict):
            return document
    raise ArchiveError("the archive answered with what is no JSON object")


async def _body(
    exchange: OrthancExchange,
    reached: Reached,
    answer: OrthancResponse,
    readings: Readings,
    held: AsyncExitStack,
) -> AsyncGenerator[Chunk, None]:
    watch, first = Watch(exchange, reached.reach.action), reached.reach.parts[0]
    async with held:
        async for chunk in answer.stream():
            await watch.check_all(reached.reach.parts)
            readings.sent(first, instances=0, bytes_sent=len(chunk))
            yield chunk
