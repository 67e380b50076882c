"""Wires the SCIM service.

Called by `gate`, if the configuration binds any source to a client.
"""

from pydantic.alias_generators import to_snake
from starlette.routing import Route

from pacsgate.admin.scim.app import PREFIX, scim_app
from pacsgate.admin.scim.client import Binding, Client, Clients
from pacsgate.admin.scim.groups import ScimGroups
from pacsgate.admin.scim.users import ScimUsers
from pacsgate.bootstrap import people
from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.http.control_plane import control_plane_routes
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.wiring import Gate
from pacsgate.services.mandates import Mandates
from pacsgate.services.provision_accounts import Provisioning
from pacsgate.services.provision_groups import GroupProvisioning

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A group of some 40,000 members, which Okta sends whole."""


def scim_routes(
    installation: Installation, gate: Gate, contexts: RequestContexts, mandates: Mandates
) -> list[Route]:
    """The route of the service."""
    bindings = {
        (settings.tenant, settings.account): Binding(
            settings.name,
            settings.account,
            None if settings.roles_at_most is None else frozenset(settings.roles_at_most),
            {name: to_snake(field) for name, field in settings.attributes.items()},
        )
        for settings in installation.settings.identity.scim
    }
    stores = installation.stores

    def users(client: Client) -> ScimUsers:
        office = installation.office
        provisioning = Provisioning(office, people.users(installation), stores.identity_links)
        return ScimUsers(client, office, stores.identity_links, provisioning)

    def groups(client: Client) -> ScimGroups:
        office = installation.office
        return ScimGroups(client, office, GroupProvisioning(office, stores.groups))

    clients = Clients(bindings, mandates)
    app = scim_app(clients, {"Users": users, "Groups": groups})
    return control_plane_routes(gate, contexts, PREFIX, app, at_most=MAX_BODY_BYTES)
