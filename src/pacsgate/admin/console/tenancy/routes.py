"""The routes of every page of a tenant.

Called by `bootstrap`, which brings the use cases.
"""

from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import TenancyDesk
from pacsgate.admin.console.tenancy.holders import holder_routes
from pacsgate.admin.console.tenancy.overview import overview_routes
from pacsgate.admin.console.tenancy.pacs_pages import pacs_routes
from pacsgate.admin.console.tenancy.units import unit_routes


def tenancy_routes(desk: TenancyDesk) -> list[Route]:
    """All of them."""
    return [*overview_routes(desk), *pacs_routes(desk), *holder_routes(desk), *unit_routes(desk)]
