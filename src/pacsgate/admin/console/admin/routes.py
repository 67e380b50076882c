"""The routes of every page of administration.

Called by `bootstrap`, which brings the use cases.
"""

from starlette.routing import Route

from pacsgate.admin.console.admin.desk import AdminDesk
from pacsgate.admin.console.admin.devices import devices_routes
from pacsgate.admin.console.admin.grants import grants_routes
from pacsgate.admin.console.admin.groups import groups_routes
from pacsgate.admin.console.admin.locks import locks_routes
from pacsgate.admin.console.admin.roles import roles_routes
from pacsgate.admin.console.admin.user import user_routes
from pacsgate.admin.console.admin.users import users_routes


def admin_routes(desk: AdminDesk) -> list[Route]:
    """All of them; what has a fixed path comes before what has a name in it."""
    return [
        *users_routes(desk),
        *user_routes(desk),
        *groups_routes(desk),
        *roles_routes(desk),
        *devices_routes(desk),
        *grants_routes(desk),
        *locks_routes(desk),
    ]
