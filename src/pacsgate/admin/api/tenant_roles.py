"""`…/tenants/{tenant}/roles`: which roles a tenant has, and who has them.

The same roles as at `/api/v1/roles`, as far as HID's service knows them.

Called by `bootstrap`, once for each tree; calls `ManagedRoles` and `ManagedAssignments`.
"""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import ConfigDict, Field

from pacsgate.admin.api.camel import Asked, Id, Told
from pacsgate.admin.api.instants import Instant
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import Responses, problems
from pacsgate.admin.api.tenancy_asking import MandateIn
from pacsgate.admin.api.trees import Tree
from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Role
from pacsgate.services.managed_assignments import Given, ManagedAssignments
from pacsgate.services.managed_roles import KnownRole, ManagedRoles
from pacsgate.services.mandates import Mandate

_Lister = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_LIST))]
_Reader = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_GET))]
_Creator = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_CREATE))]
_Updater = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_UPDATE))]
_Remover = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_REMOVE))]
_Assigner = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_ASSIGN))]
_AssignmentLister = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_LIST_ASSIGNMENTS))]
_AssignmentReader = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_ASSIGNMENT_GET))]
_AssignmentTaker = Annotated[Mandate, Depends(MandateIn(Permission.ROLE_ASSIGNMENT_REMOVE))]
_UserLister = Annotated[Mandate, Depends(MandateIn(Permission.USER_LIST_ROLES))]

_RolePath = Annotated[str, Path(description="A role's name.", examples=["PacsAdministrator"])]
_AssignmentPath = Annotated[str, Path(description="An assignment's id.")]
_UserPath = Annotated[str, Path(description="An account of the tenant.", examples=["nora"])]


class RoleDefinition(Asked):
    """What a role carries."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"permissions": ["VisitList", "VisitGet"]}]})

    permissions: list[Permission] = Field(default=[], max_length=200)
    may: list[Action] = Field(default=[], max_length=20)
    description: Annotated[str, Field(min_length=1, max_length=400)] | None = None


class NewRole(RoleDefinition):
    """A role to be defined."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"roleId": "Reception", "permissions": ["VisitCheckIn"]}]}
    )

    role_id: Id


class RoleTold(Told):
    """One role."""

    role_id: str
    permissions: list[Permission]
    may: list[Action]
    description: str | None
    built_in: bool
    defined_at: str | None = Field(description="Its place in a policy file, if it is defined there.")

    @classmethod
    def of(cls, known: KnownRole) -> "RoleTold":
        """As it is told."""
        return cls(
            role_id=known.role.name,
            permissions=sorted(known.role.permissions),
            may=sorted(known.role.may),
            description=known.role.description,
            built_in=known.is_built_in,
            defined_at=known.place,
        )


class RolePage(Told):
    """Roles, by name."""

    roles: list[RoleTold]
    next: str | None


class NewAssignment(Asked):
    """Who shall have the role, and where."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"userUid": "peter", "pacsId": "doors"}]})

    user_uid: Id
    pacs_id: Id | None = Field(default=None, description="`null` is the whole tenant.")
    starts: Instant | None = None
    until: Instant | None = None


class AssignmentTold(Told):
    """One role that somebody has."""

    assignment_id: str
    user_uid: str
    role_id: str
    pacs_id: str | None
    collection: str | None
    starts: Instant | None
    until: Instant | None
    defined_at: str | None = Field(description="Its place in a policy file, if it is made there.")

    @classmethod
    def of(cls, given: Given) -> "AssignmentTold":
        """As it is told."""
        return cls(
            assignment_id=given.assignment_id,
            user_uid=given.user,
            role_id=given.assignment.role,
            pacs_id=given.assignment.scope.archive,
            collection=given.assignment.scope.collection,
            starts=given.assignment.starts,
            until=given.assignment.until,
            defined_at=given.place,
        )


class AssignmentPage(Told):
    """Assignments, in the order of their ids."""

    assignments: list[AssignmentTold]
    next: str | None


def tenant_role_routes(managed: ManagedRoles, tree: Tree) -> APIRouter:
    """The routes of roles in one tree."""
    routes = APIRouter(tags=["tenant roles"])
    every = f"/{tree.path('tenants/{tenant}/roles')}"
    one = f"{every}/{{role}}"

    @routes.get(every, responses=problems(404))
    def list_tenant_roles(mandate: _Lister, limit: Limit = USUAL, cursor: Cursor = None) -> RolePage:
        """List the roles of a tenant, those built in among them."""
        found = page(managed.roles(mandate), lambda known: known.role.name, limit, cursor)
        return RolePage(roles=[RoleTold.of(known) for known in found.rows], next=found.next)

    @routes.post(every, status_code=201, responses=problems(404, 409))
    def create_tenant_role(mandate: _Creator, new: NewRole, response: Response) -> RoleTold:
        """Define a role, with permissions that one holds oneself."""
        made = managed.add(
            mandate,
            Role(new.role_id, frozenset(new.may), frozenset(new.permissions), description=new.description),
        )
        response.headers["Location"] = tree.location("tenants", mandate.scope.tenant, "roles", made.name)
        return RoleTold.of(KnownRole(made, None))

    @routes.get(one, responses=problems(404))
    def show_tenant_role(mandate: _Reader, role: _RolePath) -> RoleTold:
        """Show one role."""
        return RoleTold.of(managed.role(mandate, role))

    @routes.put(one, responses=problems(404, 409))
    def update_tenant_role(mandate: _Updater, role: _RolePath, definition: RoleDefinition) -> RoleTold:
        """Define a role anew, from the next request on."""
        asked = replace(
            managed.role(mandate, role).role,
            may=frozenset(definition.may),
            permissions=frozenset(definition.permissions),
            description=definition.description,
        )
        return RoleTold.of(KnownRole(managed.change(mandate, asked), None))

    @routes.delete(one, status_code=204, responses=problems(404, 409))
    def remove_tenant_role(mandate: _Remover, role: _RolePath) -> None:
        """Remove a role that nobody has."""
        managed.remove(mandate, role)

    return routes


def assignment_routes(managed: ManagedAssignments, tree: Tree) -> APIRouter:
    """The routes of assignments in one tree."""
    routes = APIRouter(tags=["tenant roles"])
    every = f"/{tree.path('tenants/{tenant}/roles/{role}/assignments')}"
    one = f"{every}/{{assignment}}"

    @routes.get(every, responses=problems(404))
    def list_assignments(
        mandate: _AssignmentLister, role: _RolePath, limit: Limit = USUAL, cursor: Cursor = None
    ) -> AssignmentPage:
        """List who has a role, by their own assignments and by those of policy files."""
        return _page(managed.of_role(mandate, role), limit, cursor)

    already: Responses = {200: {"model": AssignmentTold, "description": "It was given before."}}

    @routes.post(every, status_code=201, responses={**already, **problems(404, 409)})
    def assign_role(
        mandate: _Assigner, role: _RolePath, asked: NewAssignment, response: Response
    ) -> AssignmentTold:
        """Give a role; asked for again, it is given once (200)."""
        pacs = None if asked.pacs_id is None else ArchiveName(asked.pacs_id)
        given, is_new = managed.assign(mandate, role, asked.user_uid, pacs, asked.starts, asked.until)
        if not is_new:
            response.status_code = 200
        tenant = mandate.scope.tenant
        response.headers["Location"] = tree.location(
            "tenants", tenant, "roles", role, "assignments", given.assignment_id
        )
        return AssignmentTold.of(given)

    @routes.get(one, responses=problems(404))
    def show_assignment(
        mandate: _AssignmentReader, role: _RolePath, assignment: _AssignmentPath
    ) -> AssignmentTold:
        """Show one assignment."""
        return AssignmentTold.of(managed.one(mandate, role, assignment))

    @routes.delete(one, status_code=204, responses=problems(404, 409))
    def remove_assignment(mandate: _AssignmentTaker, role: _RolePath, assignment: _AssignmentPath) -> None:
        """Take a role away."""
        managed.take(mandate, role, assignment)

    @routes.get(f"/{tree.path('tenants/{tenant}/users/{user}/roles')}", responses=problems(404))
    def list_roles_of_user(
        mandate: _UserLister, user: _UserPath, limit: Limit = USUAL, cursor: Cursor = None
    ) -> AssignmentPage:
        """List which roles somebody has, by own assignments and by those of policy files."""
        return _page(managed.of_user(mandate, user), limit, cursor)

    return routes


def _page(given: tuple[Given, ...], limit: int, cursor: str | None) -> AssignmentPage:
    found = page(given, lambda one: one.assignment_id, limit, cursor)
    return AssignmentPage(assignments=[AssignmentTold.of(one) for one in found.rows], next=found.next)
