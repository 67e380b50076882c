"""Identities and visits of a PACS, page by page, and found by what is known of them.

Called by `routes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import TenancyDesk, Turn
from pacsgate.admin.console.tenancy.holder_kinds import HOLDER_KINDS, VISIT, HolderKind
from pacsgate.admin.console.tenancy.pacs_pages import tabs
from pacsgate.admin.console.tenancy.pages_of_rows import page_of_rows
from pacsgate.model.access import VisitState
from pacsgate.model.permission import Permission

_TEXTS = ("name", "email", "organization", "account", "visitor", "host")
"""Members in which a search looks, besides the id."""
_STATES = (("", "any"), *((state.value, state.value) for state in VisitState))


def holder_list_routes(desk: TenancyDesk) -> list[Route]:
    """The routes."""
    return [
        Route(kind.route_of_all, desk.page(_HolderList(kind).show), methods=["GET"]) for kind in HOLDER_KINDS
    ]


@dataclass(frozen=True, slots=True)
class _HolderList:
    kind: HolderKind

    def show(self, turn: Turn) -> Response:
        """All of them, or those that are asked for."""
        kind = self.kind
        warrant = turn.need(Permission(f"{kind.operation}List"), turn.pacs)
        filters = ("search", "state", "day") if kind is VISIT else ("search",)
        asked = {name: turn.asked(name) for name in filters}
        wanted = (lambda row: _is_wanted(row, kind, asked)) if any(asked.values()) else None
        found = page_of_rows(turn, f"{kind.operation}List", kind.path, kind.list_path(turn), asked, wanted)
        return turn.render(
            f"{kind.path}.html",
            pacs=warrant.at(),
            found=found,
            asked=asked,
            is_search=wanted is not None,
            here=kind.list_path(turn),
            states=_STATES,
            new=kind.new_path(turn) if turn.may_ask(f"{kind.operation}Create") else "",
            tabs=tabs(turn, f"/{kind.path}"),
        )


def _is_wanted(row: Mapping[str, Any], kind: HolderKind, asked: Mapping[str, str]) -> bool:
    """Whether a row is of the text, the state and the day that are asked for."""
    text, state, day = asked["search"].casefold(), asked.get("state", ""), asked.get("day", "")
    return (
        any(text in str(row.get(member) or "").casefold() for member in (kind.member, *_TEXTS))
        and state in ("", row.get("state"))
        and (not day or str(row.get("validFrom"))[:10] <= day <= str(row.get("validTo"))[:10])
    )
