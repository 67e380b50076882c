"""`/admin/groups`: which groups there are, who is in them, and what the policy gives them.

Called by `routes`; calls `ManagedAccounts`.
"""

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.admin.desk import AdminDesk, Turn
from pacsgate.model.permission import Permission
from pacsgate.services.mandates import roles_of_groups


def groups_routes(desk: AdminDesk) -> list[Route]:
    """The routes."""
    pages = _Groups(desk)
    return [
        Route("/admin/groups", desk.page(Permission.USER_LIST, pages.show_all), methods=["GET"]),
        Route("/admin/groups/{name:path}", desk.page(Permission.USER_LIST, pages.show), methods=["GET"]),
    ]


class _Groups:
    def __init__(self, desk: AdminDesk) -> None:
        self._accounts = desk.managed.accounts

    def show_all(self, turn: Turn) -> Response:
        """Every group."""
        rows = [
            (name, len(members), sorted(roles_of_groups(turn.mandate.policy, frozenset({name}))))
            for name, members in self._accounts.groups(turn.mandate).items()
        ]
        return turn.render("groups.html", rows=rows)

    def show(self, turn: Turn) -> Response:
        """One group."""
        name = turn["name"]
        members = self._accounts.group(turn.mandate, name)
        given = [each for each in turn.mandate.policy.assignments if name in each.groups]
        return turn.render("group.html", name=name, members=sorted(members), given=given)
