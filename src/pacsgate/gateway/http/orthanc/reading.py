"""What the handlers that read share: what is visible of a name, and the recorded JSON answer about it.

Called by the handlers of the Orthanc dialect that read.

Invariants:
- the record of a read is durable before Orthanc is asked for it;
- bytes and instances are counted in the windows of their studies.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response

from pacsgate.audit.events import EventKind
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import name_of
from pacsgate.gateway.http.reading import open_readings
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.routes import LEVELS
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.orthanc_visible import Visible, visible
from pacsgate.services.resolve import Reach

WORDS = {level: word for word, level in LEVELS}
"""Orthanc's word for each level in paths."""


def named_in(found: OrthancMatch) -> tuple[Level, str]:
    """The level and the identifier in the path of a row about one resource."""
    level, identifier = name_of(found)
    if level is None:
        raise TypeError("a row about a resource has a level")
    return level, identifier


async def visible_of(exchange: OrthancExchange, level: Level, identifier: str, reach: Reach) -> Visible:
    """What was reached of one resource, and whether that is all of it."""
    if level is not Level.PATIENT:
        return visible(level, identifier, reach.parts)
    named = await exchange.at_archive(
        partial(exchange.gate.names.resolve, exchange.scope, exchange.archive, level, identifier)
    )
    # A patient that is gone by now has no study that could be hidden.
    studies = 0 if named is None else len(named.keys)
    return visible(level, identifier, reach.parts, studies=studies)


async def answer_read(
    exchange: OrthancExchange,
    reached: Reached,
    make: Callable[[], Awaitable[object]],
    *,
    tells_instances: bool = True,
    send: Callable[[object], Response] | None = None,
) -> Response:
    """Record a read, then make what is to be told and send it, as JSON unless `send` says otherwise."""
    readings = await open_readings(
        exchange, reached.reach, reached.circumstances, EventKind.INSTANCES_ACCESSED
    )
    try:
        response = (send or exchange.json)(await make())
        if exchange.request.method != "HEAD":
            for part in reached.reach.parts:
                readings.sent(part, instances=len(part.instances) if tells_instances else 0, bytes_sent=0)
            readings.sent(reached.reach.parts[0], instances=0, bytes_sent=len(response.body))
        return response
    finally:
        readings.leave()
