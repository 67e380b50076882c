"""`/admin/tenancy/pacs/…/units`: the access units of a PACS, and to whom each is open.

Called by `routes`.
"""

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.permission import Permission

_UNITS = f"{HOME}/pacs/{{pacs}}/units"


def unit_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [
        Route(_UNITS, desk.page(show_all), methods=["GET"]),
        Route(f"{_UNITS}/{{unit}}", desk.page(show), methods=["GET"]),
    ]


def show_all(turn: Turn) -> Response:
    """Every unit."""
    warrant = turn.need(Permission.ACCESS_UNIT_LIST, turn.pacs)
    units = turn.rows("AccessUnitList", "accessUnits")
    return turn.render("units.html", pacs=warrant.at(), units=units, tabs=tabs(turn, "/units"))


def show(turn: Turn) -> Response:
    """One, with whom it is open to."""
    warrant = turn.need(Permission.ACCESS_UNIT_GET, turn.pacs)
    ids = {"unit": turn["unit"]}
    unit = turn.ask("AccessUnitGet", ids)
    return turn.render(
        "unit.html",
        pacs=warrant.at(),
        unit=unit,
        identities=turn.rows("AccessUnitIdentityList", "identities", ids),
        visits=turn.rows("AccessUnitVisitList", "visits", ids),
        tabs=tabs(turn, "/units"),
    )
