"""One identity or visit: what it is and holds, opened and closed, checked in and out, removed.

Called by `routes`.
"""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.tenancy.desk import NOTHING, TenancyDesk, Turn
from pacsgate.admin.console.tenancy.holder_kinds import HOLDER_KINDS, VISIT, HolderKind
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.model.access import VisitState
from pacsgate.model.permission import Permission

_STEPS = {
    "check-in": ("CheckIn", "checked-in"),
    "check-out": ("CheckOut", "checked-out"),
}
_OVER = frozenset({VisitState.CHECKED_OUT, VisitState.CANCELLED, VisitState.EXPIRED})
_MOST_UNITS = "1000"
"""To choose from; one of more is called by its id."""


def holder_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [route for kind in HOLDER_KINDS for route in HolderPage(kind).routes(desk)]


@dataclass(frozen=True, slots=True)
class HolderPage:
    """The page of one, and its buttons."""

    kind: HolderKind

    def routes(self, desk: TenancyDesk) -> list[Route]:
        """The routes of one kind."""
        one = self.kind.route
        forms = {"remove": self.remove, "open": self.open, "close": self.close}
        if self.kind is VISIT:
            forms |= dict.fromkeys(_STEPS, self.step)
        return [
            Route(one, desk.page(self.show), methods=["GET"]),
            *(
                Route(f"{one}/{word}", desk.form(act, self.show), methods=["POST"])
                for word, act in forms.items()
            ),
        ]

    def show(self, turn: Turn) -> Response:
        """One, with what it holds."""
        kind, ids = self.kind, self.kind.ids(turn)
        warrant = turn.need(Permission(f"{kind.operation}Get"), turn.pacs)
        holder = {"state": "", "host": "", "visitor": "", **turn.ask(f"{kind.operation}Get", ids)}
        given = turn.rows(f"{kind.operation}AccessUnitList", "accessUnits", ids)
        units = turn.rows("AccessUnitList", "accessUnits", NOTHING, {"limit": _MOST_UNITS})
        opened = [row["accessUnitId"] for row in given.rows]
        return turn.render(
            "holder.html",
            pacs=warrant.at(),
            kind=kind,
            holder=holder,
            is_over=holder["state"] in _OVER,
            labels={name: each.description or name for name, each in kind.fields(turn).items()},
            here=kind.holder_path(turn),
            credentials=turn.rows(f"{kind.operation}CredentialList", "credentials", ids).rows,
            names={row["accessUnitId"]: row["name"] for row in units.rows},
            opened=opened,
            closed=[row for row in units.rows if row["accessUnitId"] not in opened],
            is_unit_named=units.next is not None or not turn.may_ask("AccessUnitList"),
            tabs=tabs(turn, f"/{kind.path}"),
        )

    def remove(self, turn: Turn, _form: Form) -> str:
        """Remove it, or call it off."""
        word = "cancelled" if self.kind is VISIT else "removed"
        turn.ask(f"{self.kind.operation}Remove", self.kind.ids(turn), then=self.kind.list_path(turn))
        return self.kind.list_path(turn, word)

    def step(self, turn: Turn, _form: Form) -> str:
        """Check it in or out."""
        verb, word = _STEPS[turn.visitor.request.url.path.rpartition("/")[2]]
        self.kind.ask(turn, verb)
        return self.kind.holder_path(turn, word)

    def open(self, turn: Turn, form: Form) -> str:
        """Open an access unit to it."""
        self.kind.ask(turn, "AccessUnitAssign", unit=form["unit"].strip())
        return self.kind.holder_path(turn, "opened")

    def close(self, turn: Turn, form: Form) -> str:
        """Close an access unit to it."""
        self.kind.ask(turn, "AccessUnitRemove", unit=form["unit"])
        return self.kind.holder_path(turn, "closed")
