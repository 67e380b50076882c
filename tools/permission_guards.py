"""`docs/permissions.md`: every permission with its level, the default roles with it, and what it guards.

What routes of the API demand is read off their dependencies; what is demanded elsewhere is listed here, with
the module that does it, and `tests/house` looks there.

Called by `reference`.
"""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import NamedTuple
from unittest.mock import MagicMock

from fastapi import APIRouter
from fastapi.routing import APIRoute

from pacsgate.admin import api
from pacsgate.admin.api.document import permissions_of
from pacsgate.admin.api.trees import API, Tree
from pacsgate.admin.console.nav import ADMINISTRATION
from pacsgate.model.built_in_roles import BUILT_IN_ROLES
from pacsgate.model.permission import ALIASES, Permission
from pacsgate.model.permission_levels import LEVELS
from pacsgate.protocols.orthanc.table import ROUTES as ORTHANC_ROUTES
from tools.members import described
from tools.tables import code, table

TITLE = "Permissions"


class Elsewhere(NamedTuple):
    """What a permission guards besides routes of the API, and the module that demands it there."""

    what: str
    module: str


ELSEWHERE: Mapping[Permission, Elsewhere] = {
    Permission.AUDIT_READ: Elsewhere("audit logs in Orthanc Explorer 2", "pacsgate.services.plugin_profiles"),
    Permission.ACCOUNT_PROVISION: Elsewhere("`/scim/v2`", "pacsgate.admin.scim.client"),
    Permission.GRANT_OWN: Elsewhere(
        "`/study-permissions` of what one may do oneself", "pacsgate.services.pass_on_permissions"
    ),
    Permission.GRANT_PROPAGATE: Elsewhere(
        "`/study-permissions` to any role", "pacsgate.services.pass_on_permissions"
    ),
    Permission.GRANT_BY_ORDER: Elsewhere(
        "HL7 messages, procedure steps", "pacsgate.services.grant_by_occurrence"
    ),
    Permission.EVALUATE_FOR_OTHERS: Elsewhere(
        "`/access/v1/…`, `/auth/orthanc/…`", "pacsgate.services.evaluate_for_others"
    ),
    Permission.PACS_MESSAGE_GET: Elsewhere(
        "`GET /tenants/{tenant}/pacs/{pacs}/agent/messages`", "pacsgate.gateway.http.pacs_polls"
    ),
}


def permissions() -> str:
    """What a role can carry besides actions on images: work on the system itself.

    A permission is of effect where its level says: in the whole tenant, at the PACS that it is used for (held
    there or in the whole tenant), or on the platform; `own` are the gate's, and held in the whole tenant.
    Paths are below `/api/v1`; those under `/tenants` stand below `/ais/v1` too, in the singular
    (`tenant/{tenant}/…`).  At the command line of the machine itself `pacsgate` asks for no permission.
    """
    known = guards()
    rows = []
    for value, text in described(Permission):
        permission = Permission(value)
        carried = [code(name) for name, role in BUILT_IN_ROLES.items() if permission in role.permissions]
        right = [f" (also {code(name)})" for name, means in ALIASES.items() if means is permission]
        rows.append(
            (
                code(value) + "".join(right),
                text,
                LEVELS[permission].value,
                "<br>".join(carried),
                "<br>".join(known[permission]),
            )
        )
    return table(("permission", "what it allows", "level", "default roles", "guards"), *rows)


def guards() -> dict[Permission, list[str]]:
    """What each permission guards, in words."""
    found: dict[Permission, list[str]] = {each: [] for each in Permission}
    for route in api_routes(API):
        for needed in permissions_of(route):
            methods = " ".join(sorted(route.methods or ()))
            found[Permission(needed)].append(code(f"{methods} {route.path_format}"))
    for place in ADMINISTRATION:
        for permission in sorted(place.needs):
            found[permission].append(f"the page {code(place.path)}")
    for permission in Permission:
        operations = sum(permission in row.needs.permissions for row in ORTHANC_ROUTES)
        if operations:
            found[permission].append(f"{operations} operations of [Orthanc](reference/orthanc-routes.md)")
        if permission in ELSEWHERE:
            found[permission].append(ELSEWHERE[permission].what)
    return found


@cache
def api_routes(tree: Tree) -> tuple[APIRoute, ...]:
    """Every route of the API, from whatever makes routers, without an installation behind them."""
    return tuple(_made(tree))


def _made(tree: Tree) -> Iterator[APIRoute]:
    for module in pkgutil.iter_modules(api.__path__):
        for name, factory in inspect.getmembers(import_module(f"{api.__name__}.{module.name}"), callable):
            if name.endswith("_routes") and factory.__module__ == f"{api.__name__}.{module.name}":
                parameters = inspect.signature(factory).parameters
                made = factory(**{each: tree if each == "tree" else MagicMock() for each in parameters})
                if isinstance(made, APIRouter):
                    yield from (route for route in made.routes if isinstance(route, APIRoute))
