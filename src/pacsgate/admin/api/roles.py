"""`/api/v1/roles`: which roles there are, and those that no policy file defines, made and changed.

Called by `app`; calls `ManagedRoles`.
"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.asking import RoleCreator, RoleLister, RoleReader, RoleRemover, RoleUpdater
from pacsgate.admin.api.etags import Unchanged, etag_of, show_etag
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.model.spans import SPAN, read_span, span_text
from pacsgate.services.managed_roles import KnownRole, ManagedRoles
from pacsgate.services.mandates import Mandate

RoleName = Annotated[str, Path(description="A role's name.", min_length=1, max_length=64)]
_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Text = Annotated[str, Field(min_length=1, max_length=400)]


class RoleDefinition(BaseModel):
    """What a role can ever do to images, what it carries on the system, and who answers for it."""

    model_config = ConfigDict(extra="forbid")

    may: list[Action] = []
    permissions: list[Permission] = []
    extends: Annotated[list[_Name], Field(max_length=100)] = []
    owner: _Text | None = None
    description: _Text | None = None
    approved_by: _Text | None = None
    approved_at: date | None = None
    longest: Annotated[str, Field(pattern=f"^{SPAN}$", examples=["14 d"])] | None = Field(
        default=None, description="For how long it can be given at a time; `null` is for good."
    )

    def role(self, name: str) -> Role:
        """The role of this name."""
        return Role(
            name=name,
            may=frozenset(self.may),
            permissions=frozenset(self.permissions),
            owner=self.owner,
            description=self.description,
            extends=frozenset(self.extends),
            approved_by=self.approved_by,
            approved_at=self.approved_at,
            longest=None if self.longest is None else read_span(self.longest),
        )


class NewRole(RoleDefinition):
    """A role to be defined."""

    name: _Name


class RoleTold(BaseModel):
    """One role; of a role of a policy file, `may`, `permissions` and `longest` take in what it inherits."""

    name: str
    may: list[Action]
    permissions: list[Permission]
    extends: list[str]
    owner: str | None
    description: str | None
    approved_by: str | None
    approved_at: date | None
    template: str | None
    longest: str | None
    defined_at: str | None = Field(
        description="Its place in a policy file; `null` for one that is kept here, or built in."
    )
    built_in: bool = Field(description="Whether every tenant has it, and nobody can change it.")

    @classmethod
    def of(cls, known: KnownRole) -> "RoleTold":
        """As it is told."""
        role = known.role
        return cls(
            name=role.name,
            may=sorted(role.may),
            permissions=sorted(role.permissions),
            extends=sorted(role.extends),
            owner=role.owner,
            description=role.description,
            approved_by=role.approved_by,
            approved_at=role.approved_at,
            template=role.template,
            longest=None if role.longest is None else span_text(role.longest),
            defined_at=known.place,
            built_in=known.is_built_in,
        )


class RoleList(BaseModel):
    """Roles, by name."""

    roles: list[RoleTold]
    next: str | None


def role_routes(managed: ManagedRoles) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/roles", tags=["roles"])

    def tag_of(mandate: Mandate, name: str) -> str:
        return etag_of(RoleTold.of(managed.role(mandate, name)))

    @routes.get("", responses=problems())
    def list_roles(mandate: RoleLister, limit: Limit = USUAL, cursor: Cursor = None) -> RoleList:
        """List the roles of policy files, those kept here and those built in."""
        found = page(managed.roles(mandate), lambda known: known.role.name, limit, cursor)
        return RoleList(roles=[RoleTold.of(known) for known in found.rows], next=found.next)

    @routes.post("", status_code=201, responses=problems(404, 409))
    def add_role(mandate: RoleCreator, new: NewRole, response: Response) -> RoleTold:
        """Define a role, with permissions that one holds oneself."""
        role = managed.add(mandate, new.role(new.name))
        told = RoleTold.of(KnownRole(role, None))
        response.headers["Location"] = location("roles", role.name)
        show_etag(response, etag_of(told))
        return told

    @routes.get("/{name}", responses=problems(404))
    def show_role(mandate: RoleReader, name: RoleName, response: Response) -> RoleTold:
        """Show one role."""
        told = RoleTold.of(managed.role(mandate, name))
        show_etag(response, etag_of(told))
        return told

    @routes.put("/{name}", responses=problems(404, 409, 412))
    def change_role(
        mandate: RoleUpdater,
        name: RoleName,
        definition: RoleDefinition,
        response: Response,
        unchanged: Unchanged,
    ) -> RoleTold:
        """Define a role anew, from the next request on; those of policy files are changed there."""
        with unchanged.holds(lambda: tag_of(mandate, name)):
            told = RoleTold.of(KnownRole(managed.change(mandate, definition.role(name)), None))
        show_etag(response, etag_of(told))
        return told

    @routes.delete("/{name}", status_code=204, responses=problems(404, 409, 412))
    def remove_role(mandate: RoleRemover, name: RoleName, unchanged: Unchanged) -> None:
        """Remove a role that nobody has and nothing names."""
        with unchanged.holds(lambda: tag_of(mandate, name)):
            managed.remove(mandate, name)

    return routes
