"""`/admin/tenancy`: the tenant, its PACSes with their agents and queues, and who is on site.

It is the live view too: a script asks for it again, and without one it is a link.

Called by `routes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn
from pacsgate.model.permission import Permission
from pacsgate.ports.pacs_queue import Depth
from pacsgate.ports.pacs_reports import Whereabouts
from pacsgate.ports.tenants import PacsRecord


@dataclass(frozen=True, slots=True)
class PacsNow:
    """One PACS at this moment."""

    record: PacsRecord
    depth: Depth
    seen_at: datetime | None
    is_silent: bool


def overview_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [Route(HOME, desk.page(show), methods=["GET"])]


def show(turn: Turn) -> Response:
    """The tenant with everything that the visitor may see of it."""
    warrant = turn.need(Permission.TENANT_GET)
    desk, scope = turn.desk, warrant.scope
    pacses = tuple(_now(turn))
    seen = {each.record.pacs for each in pacses}
    present: list[Whereabouts] = [
        each for each in desk.reports.whereabouts(scope) if each.zone and each.pacs in seen
    ]
    return turn.render(
        "overview.html",
        tenant=desk.tenants().tenant(scope),
        pacses=pacses,
        present=present,
        may_register=turn.may(Permission.PACS_REGISTER),
    )


def _now(turn: Turn) -> Iterator[PacsNow]:
    desk, scope = turn.desk, turn.visitor.caller.scope
    for record in desk.known.pacses(scope):
        if not turn.may(Permission.PACS_GET, record.pacs):
            continue
        warrant = turn.need(Permission.PACS_GET, record.pacs)
        sightings = desk.letters.agents(warrant)
        contact = None if record.is_of_file else desk.reports.contact(scope, record.pacs)
        yield PacsNow(
            record,
            desk.letters.depth(warrant),
            sightings[0].at if sightings else None,
            contact is not None and contact.is_silent,
        )
