"""The routes of every page of a tenant.

Called by `bootstrap`, which brings the use cases.
"""

from starlette.routing import Route

from pacsgate.admin.console.tenancy.desk import TenancyDesk
from pacsgate.admin.console.tenancy.holder_credentials import credential_routes
from pacsgate.admin.console.tenancy.holder_forms import holder_form_routes
from pacsgate.admin.console.tenancy.holder_lists import holder_list_routes
from pacsgate.admin.console.tenancy.holders import holder_routes
from pacsgate.admin.console.tenancy.overview import overview_routes
from pacsgate.admin.console.tenancy.pacs_pages import pacs_routes
from pacsgate.admin.console.tenancy.pacs_roles import role_routes
from pacsgate.admin.console.tenancy.result_page import result_routes
from pacsgate.admin.console.tenancy.tenant_pages import tenant_routes
from pacsgate.admin.console.tenancy.units import unit_routes


def tenancy_routes(desk: TenancyDesk) -> list[Route]:
    """All of them."""
    return [
        *overview_routes(desk),
        *tenant_routes(desk),
        *pacs_routes(desk),
        *role_routes(desk),
        *result_routes(desk),
        *holder_list_routes(desk),
        *holder_form_routes(desk),
        *holder_routes(desk),
        *credential_routes(desk),
        *unit_routes(desk),
    ]
