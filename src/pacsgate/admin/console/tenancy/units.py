"""`/admin/tenancy/pacs/…/units`: the access units of a PACS, and to whom each is open.

Called by `routes`.
"""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import HOME, TenancyDesk, Turn, pacs_path
from pacsgate.admin.console.tenancy.holder_kinds import HOLDER_KINDS
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.admin.console.tenancy.pages_of_rows import page_of_rows
from pacsgate.model.permission import Permission

_UNITS = f"{HOME}/pacs/{{pacs}}/units"
_TEXTS = ("accessUnitId", "name", "kind", "description")


def unit_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [
        Route(_UNITS, desk.page(show_all), methods=["GET"]),
        Route(f"{_UNITS}/{{unit}}", desk.page(show), methods=["GET"]),
    ]


def show_all(turn: Turn) -> Response:
    """Every unit, or those that are asked for."""
    warrant = turn.need(Permission.ACCESS_UNIT_LIST, turn.pacs)
    text = turn.asked("search")
    path = f"{pacs_path(turn.pacs)}/units"
    wanted = (
        (lambda row: any(text.casefold() in str(row.get(member) or "").casefold() for member in _TEXTS))
        if text
        else None
    )
    found = page_of_rows(turn, "AccessUnitList", "accessUnits", path, {"search": text}, wanted)
    return turn.render(
        "units.html", pacs=warrant.at(), found=found, search=text, here=path, tabs=tabs(turn, "/units")
    )


def show(turn: Turn) -> Response:
    """One, with whom it is open to: both kinds of holder, or more of the one that is asked for."""
    warrant = turn.need(Permission.ACCESS_UNIT_GET, turn.pacs)
    ids, only = {"unit": turn["unit"]}, turn.asked("of")
    path = f"{pacs_path(turn.pacs)}/units/{quote(turn['unit'], safe='')}"
    holders = [
        (
            kind,
            page_of_rows(
                turn,
                f"AccessUnit{kind.operation}List",
                kind.path,
                path,
                {"of": kind.path},
                ids=ids,
            ),
        )
        for kind in HOLDER_KINDS
        if only in ("", kind.path) and turn.may_ask(f"AccessUnit{kind.operation}List")
    ]
    return turn.render(
        "unit.html",
        pacs=warrant.at(),
        unit=turn.ask("AccessUnitGet", ids),
        holders=holders,
        here=path,
        tabs=tabs(turn, "/units"),
    )
