"""`/admin/grants`: who was granted what, until when; granted and revoked.

Called by `routes`; calls `ManagedGrants`.
"""

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.api.grants import order_of
from pacsgate.admin.api.paging import page
from pacsgate.admin.console.admin.desk import AdminDesk, Turn, instant, next_page
from pacsgate.admin.console.forms import Form
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.services.managed_grants import GrantsAsked

_NEEDS = Permission.GRANT_ADMINISTER
_ROWS = 50
_TARGETS = tuple(target for target in GrantTarget if target is not GrantTarget.STUDY_PERMISSION)


def grants_routes(desk: AdminDesk) -> list[Route]:
    """The routes."""
    pages = _Grants(desk)
    shown = (_NEEDS, pages.show)
    return [
        Route("/admin/grants", desk.page(*shown), methods=["GET"]),
        Route("/admin/grants", desk.form(_NEEDS, pages.give, shown), methods=["POST"]),
        Route("/admin/grants/revoke", desk.form(_NEEDS, pages.revoke, shown), methods=["POST"]),
    ]


class _Grants:
    def __init__(self, desk: AdminDesk) -> None:
        self._grants = desk.managed.grants

    def show(self, turn: Turn) -> Response:
        """Grants that hold, of one grantee or on one thing if asked so; and a form for a new one."""
        grantee, target_id = turn.asked("grantee"), turn.asked("target_id")
        lapsed = turn.asked("lapsed") == "yes"
        wanted = GrantsAsked(
            grantee=grantee or None, target_id=target_id or None, live=None if lapsed else True
        )
        found = self._grants.grants(turn.mandate, wanted)
        shown = page(found, order_of, _ROWS, turn.asked("cursor") or None)
        asked = {"grantee": grantee, "target_id": target_id, "lapsed": "yes" if lapsed else ""}
        return turn.render(
            "grants.html",
            grants=[(grant, grant.is_live(turn.visitor.now)) for grant in shown.rows],
            total=len(found),
            asked=asked,
            kinds=[(kind.value, kind.value) for kind in GranteeKind],
            targets=[(target.value, target.value) for target in _TARGETS],
            actions=list(Action),
            after=next_page("/admin/grants", asked, shown.next),
        )

    def give(self, turn: Turn, form: Form) -> str:
        """Grant some actions on one thing."""
        kind, target, actions = form["grantee_kind"], form["target"], frozenset(form.all("actions"))
        if kind not in set(GranteeKind) or target not in set(GrantTarget) or not actions <= set(Action):
            raise RequestError("choose a grantee, a target and actions from those that there are")
        self._grants.give(
            turn.mandate,
            (GranteeKind(kind), form["grantee"].strip()),
            (GrantTarget(target), form["target_id"].strip()),
            frozenset(map(Action, actions)),
            instant(form, "expires"),
        )
        return "/admin/grants?done=granted"

    def revoke(self, turn: Turn, form: Form) -> str:
        """Take a grant back."""
        self._grants.revoke(turn.mandate, form["grant"])
        return "/admin/grants?done=revoked"
