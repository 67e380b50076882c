"""What Orthanc packs, sent on as an export: recorded before its first byte, and with its bytes when it ends.

Called by the handlers of archives and jobs.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from starlette.responses import Response

from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.relay import require_made
from pacsgate.gateway.http.streams import Watch, started
from pacsgate.gateway.http.zip_export import export_events
from pacsgate.ports import Chunk
from pacsgate.ports.orthanc import OrthancRequest, OrthancResponse


async def relay_export(exchange: OrthancExchange, reached: Reached, request: OrthancRequest) -> Response:
    """Send Orthanc's answer, which holds just what is in reach.  `request` expects `ANSWERS`."""
    for event in export_events(exchange, reached, "begun"):
        await exchange.record(event)
    async with AsyncExitStack() as stack:
        answer = await stack.enter_async_context(exchange.ask(request))
        require_made(answer)
        body = _body(exchange, reached, answer, stack.pop_all())
    return await started(
        exchange.request, body, answer.headers.get("content-type", "application/zip"), length=answer.size
    )


async def _body(
    exchange: OrthancExchange, reached: Reached, answer: OrthancResponse, held: AsyncExitStack
) -> AsyncGenerator[Chunk, None]:
    watch = Watch(exchange, reached.reach.action)
    sent, phase = 0, "broken"
    try:
        async with held:
            async for chunk in answer.stream():
                await watch.check_all(reached.reach.parts)
                sent += len(chunk)
                yield chunk
        phase = "complete"
    finally:
        for event in export_events(exchange, reached, phase, sent=sent):
            exchange.gate.trail.submit(event)
