"""What goes on record before the Orthanc dialect changes something: each study that it concerns, and how.

Called by the handlers of changes.

Invariants:
- the events are durable before Orthanc is asked; a change that then fails is a second event.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.model.errors import PacsgateError
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.services.record import study_object


@asynccontextmanager
async def recorded_change(
    exchange: OrthancExchange, reached: Reached, found: OrthancMatch, **details: str
) -> AsyncIterator[None]:
    """Record a change of everything in reach, then let it be made."""
    await _record(exchange, reached, found, Outcome.SUCCESS, details)
    try:
        yield
    except PacsgateError:
        await _record(exchange, reached, found, Outcome.SERIOUS, {**details, "result": "failed"})
        raise


async def record_administration(exchange: OrthancExchange, found: OrthancMatch, **details: str) -> None:
    """Record that the archive itself is about to be configured or operated."""
    bound = await exchange.in_thread(exchange.bind)
    await exchange.record(
        exchange.circumstances(bound).event(
            EventKind.ARCHIVE_ADMINISTERED,
            details={"operation": found.route.route_id, **_named(found), **details},
        )
    )


async def record_remote(exchange: OrthancExchange, found: OrthancMatch, query: str | None = None) -> None:
    """Record that another archive is about to be asked something."""
    bound = await exchange.in_thread(exchange.bind)
    await exchange.record(
        exchange.circumstances(bound).event(
            EventKind.QUERY,
            query=query,
            details={"operation": found.route.route_id, **_named(found)},
        )
    )


async def _record(
    exchange: OrthancExchange,
    reached: Reached,
    found: OrthancMatch,
    outcome: Outcome,
    details: dict[str, str],
) -> None:
    for study in reached.reach.studies:
        await exchange.record(
            reached.circumstances.event(
                EventKind.INSTANCES_CHANGED,
                outcome=outcome,
                action=reached.reach.action,
                study=study_object(study, reached.reach.parts),
                reasons=reached.reach.reasons,
                details={"operation": found.route.route_id, **_named(found), **details},
            )
        )


def _named(found: OrthancMatch) -> dict[str, str]:
    named = {"name": found.name, "partner": found.partner}
    return {key: value for key, value in named.items() if value is not None}
