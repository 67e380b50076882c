"""`/admin/locks`: who and what is kept out now, and why.

Called by `routes`; calls `ManagedAccounts`.
"""

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.admin.desk import AdminDesk, Turn
from pacsgate.model.permission import Permission


def locks_routes(desk: AdminDesk) -> list[Route]:
    """The route."""

    def show(turn: Turn) -> Response:
        return turn.render("locks.html", locks=desk.managed.accounts.locks(turn.mandate))

    return [Route("/admin/locks", desk.page(Permission.USER_LIST, show), methods=["GET"])]
