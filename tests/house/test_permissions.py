"""Every permission guards something, and nothing under a tenant is unguarded."""

import inspect
from importlib import import_module

from tools.permission_guards import ELSEWHERE, api_routes, guards

from pacsgate.admin.api.document import permissions_of
from pacsgate.admin.api.trees import AIS, API, Tree
from pacsgate.model.built_in_roles import BUILT_IN_ROLES, NEVER_IN_CUSTOM_ROLES
from pacsgate.model.pacs_operation import OPERATIONS
from pacsgate.model.permission import Permission
from pacsgate.model.permission_levels import LEVELS, PermissionLevel


def test_every_permission_guards_something() -> None:
    assert [name for name, guarded in guards().items() if not guarded] == []


def test_what_is_said_to_be_guarded_elsewhere_is_demanded_there() -> None:
    for permission, elsewhere in ELSEWHERE.items():
        source = inspect.getsource(import_module(elsewhere.module))
        assert f"Permission.{permission.name}" in source, permission


def test_every_route_under_a_tenant_demands_one_permission() -> None:
    seen = 0
    for tree, under in ((API, "/tenants/"), (AIS, "/tenant/")):
        for route in api_routes(tree):
            if route.path.startswith(under):
                seen += 1
                assert len(permissions_of(route)) == 1, route.path
    assert seen > 2 * len(OPERATIONS)


def test_both_trees_have_the_same_routes() -> None:
    def demanded(prefix: str, tree: Tree) -> list[tuple[str, ...]]:
        routes = (route for route in api_routes(tree) if route.path.startswith(prefix))
        return sorted((*sorted(route.methods or ()), *permissions_of(route)) for route in routes)

    assert demanded("/tenants/", API) == demanded("/tenant/", AIS)


def test_no_default_role_carries_what_is_not_of_its_kind() -> None:
    carried = frozenset().union(*(role.permissions for role in BUILT_IN_ROLES.values()))
    assert carried == {each for each, level in LEVELS.items() if level is not PermissionLevel.OWN}
    assert set(Permission) > NEVER_IN_CUSTOM_ROLES
