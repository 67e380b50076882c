"""`/admin/tenancy`: the tenant, its PACSes with their agents and queues, and who is on site.

It is the live view too: a script asks for it again, and without one it is a link.

Called by `routes`.
"""

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.api.paging import page
from pacsgate.admin.console.admin.desk import next_page
from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn
from pacsgate.admin.console.tenancy.tenant_pages import ABOUT
from pacsgate.model.permission import Permission
from pacsgate.ports.pacs_queue import Depth
from pacsgate.ports.pacs_reports import Whereabouts
from pacsgate.ports.tenants import PacsRecord

_ROWS = 50


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
    records = [each for each in desk.known.pacses(scope) if turn.may(Permission.PACS_GET, each.pacs)]
    shown = page(records, lambda record: record.pacs, _ROWS, turn.asked("cursor") or None)
    seen = {record.pacs for record in records}
    present: list[Whereabouts] = [
        each for each in desk.reports.whereabouts(scope) if each.zone and each.pacs in seen
    ]
    return turn.render(
        "overview.html",
        tenant=desk.tenants().tenant(scope),
        pacses=[_now(turn, record) for record in shown.rows],
        before=HOME if turn.asked("cursor") else "",
        after=next_page(HOME, {}, shown.next),
        present=present,
        about=ABOUT if turn.may(Permission.TENANT_UPDATE) else "",
        may_register=turn.may(Permission.PACS_REGISTER),
    )


def _now(turn: Turn, record: PacsRecord) -> PacsNow:
    desk = turn.desk
    warrant = turn.need(Permission.PACS_GET, record.pacs)
    sightings = desk.letters.agents(warrant)
    contact = None if record.is_of_file else desk.reports.contact(warrant.scope, record.pacs)
    return PacsNow(
        record,
        desk.letters.depth(warrant),
        sightings[0].at if sightings else None,
        contact is not None and contact.is_silent,
    )
