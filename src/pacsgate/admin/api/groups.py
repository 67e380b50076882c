"""`/api/v1/groups`: which groups there are, who is in them, and what the policy gives to them.

Called by `app`; calls `ManagedAccounts`.  Who is in a group is changed with the account.
"""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from pacsgate.admin.api.asking import UserLister
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.user_shapes import AssignmentTold
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.mandates import Mandate

GroupName = Annotated[str, Path(description="The name of a group.", min_length=1, max_length=256)]


class GroupTold(BaseModel):
    """One group in a list."""

    name: str
    members: int
    roles: list[str]


class GroupShown(BaseModel):
    """One group with its members."""

    name: str
    members: list[str]
    assignments: list[AssignmentTold]


class GroupList(BaseModel):
    """Groups, by name."""

    groups: list[GroupTold]
    next: str | None


def group_routes(managed: ManagedAccounts) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/groups", tags=["groups"])

    @routes.get("", responses=problems())
    def list_groups(mandate: UserLister, limit: Limit = USUAL, cursor: Cursor = None) -> GroupList:
        """List the groups that somebody is in, that a source keeps, or that the policy names."""
        found = page(managed.groups(mandate).items(), lambda group: group[0], limit, cursor)
        told = [
            GroupTold(
                name=name, members=len(members), roles=sorted({given.role for given in _given(mandate, name)})
            )
            for name, members in found.rows
        ]
        return GroupList(groups=told, next=found.next)

    @routes.get("/{name:path}", responses=problems(404))
    def show_group(mandate: UserLister, name: GroupName) -> GroupShown:
        """Show who is in a group, and which roles the policy gives them."""
        members = managed.group(mandate, name)
        return GroupShown(name=name, members=sorted(members), assignments=_given(mandate, name))

    return routes


def _given(mandate: Mandate, group: str) -> list[AssignmentTold]:
    return [
        AssignmentTold.of(given.assignment, str(given.place))
        for given in mandate.policy.assignments
        if group in given.groups
    ]
