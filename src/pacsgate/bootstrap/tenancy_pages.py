"""Wires the pages of a tenant.

Called by `gate`.
"""

from starlette.routing import Route

from pacsgate.admin.console.signed_in import Visitors
from pacsgate.admin.console.tenancy.desk import TenancyDesk
from pacsgate.admin.console.tenancy.routes import tenancy_routes
from pacsgate.bootstrap import people, tenancy
from pacsgate.bootstrap.executors import field_check
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.pacs_queue import queue_desk
from pacsgate.bootstrap.pacs_registry import pacses
from pacsgate.services.agent_secrets import AgentSecrets
from pacsgate.services.managed import Managed
from pacsgate.services.managed_assignments import ManagedAssignments


def tenancy_pages(installation: Installation, seen: Visitors, managed: Managed) -> list[Route]:
    """The routes."""
    queue, known = queue_desk(installation), tenancy.known_pacses(installation)
    return tenancy_routes(
        TenancyDesk(
            visitors=seen,
            warrants=tenancy.warrants(installation, installation.calls.count),
            mandates=managed.mandates,
            known=known,
            tenants=lambda: tenancy.tenants(installation),
            pacses=lambda: pacses(installation),
            assignments=ManagedAssignments(managed.accounts, managed.roles, known),
            submit=queue.submit,
            results=queue.results,
            letters=queue.letters,
            secrets=AgentSecrets(installation.stores.directory, lambda: people.tokens(installation)),
            reports=installation.stores.reports,
            check_fields=field_check(installation),
        )
    )
