"""`/api/v1/users`: accounts, made, changed, disabled and removed, and the roles that they are assigned.

Called by `app`; calls `ManagedAccounts`.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pacsgate.admin.api.asking import RoleAssigner, UserAdministrator, UserLister
from pacsgate.admin.api.etags import Unchanged, etag_of, show_etag
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.user_shapes import (
    MOVES_BY_ITSELF,
    NewAssignment,
    NewUser,
    UserChange,
    UserList,
    UserName,
    UserTold,
    attributes_of,
    scope_of,
)
from pacsgate.model.subject import SubjectKind
from pacsgate.ports import UserRecord
from pacsgate.services.managed_accounts import (
    AccountChange,
    AccountsAsked,
    AccountState,
    ManagedAccounts,
    NewAccount,
)
from pacsgate.services.mandates import Mandate

_Asked = Annotated[str | None, Query(min_length=1, max_length=256)]


def user_routes(managed: ManagedAccounts) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/users", tags=["users"])

    def tag_of(mandate: Mandate, name: str) -> str:
        return _tag(_told(mandate, managed.account(mandate, name)))

    @routes.get("", responses=problems())
    def list_users(
        mandate: UserLister,
        search: Annotated[_Asked, Query(description="Part of the name or the name to show.")] = None,
        kind: SubjectKind | None = None,
        group: _Asked = None,
        role: Annotated[
            _Asked, Query(description="One that it has, had or will have, by itself or by the policy.")
        ] = None,
        state: AccountState | None = None,
        source: Annotated[str | None, Query(max_length=256)] = None,
        limit: Limit = USUAL,
        cursor: Cursor = None,
    ) -> UserList:
        """List accounts, by name."""
        asked = AccountsAsked(search, kind, group, role, state, source)
        found = page(managed.accounts(mandate, asked), lambda user: user.name, limit, cursor)
        return UserList(users=[_told(mandate, user) for user in found.rows], next=found.next)

    @routes.post("", status_code=201, responses=problems(409))
    def add_user(mandate: UserAdministrator, new: NewUser, response: Response) -> UserTold:
        """Make an account, in groups that carry no permission beyond one's own."""
        account = NewAccount(
            new.name,
            new.kind,
            new.display_name,
            frozenset(new.groups),
            attributes_of(new.attributes),
            new.starts,
            new.until,
        )
        user = managed.add(mandate, account)
        response.headers["Location"] = location("users", user.name)
        return _shown(mandate, user, response)

    @routes.get("/{name}", responses=problems(404))
    def show_user(mandate: UserLister, name: UserName, response: Response) -> UserTold:
        """Show one account."""
        return _shown(mandate, managed.account(mandate, name), response)

    @routes.patch("/{name}", responses=problems(404, 409, 412))
    def change_user(
        mandate: UserAdministrator,
        name: UserName,
        asked: UserChange,
        response: Response,
        unchanged: Unchanged,
    ) -> UserTold:
        """Change an account from the next request on; to disable it ends what it has open."""
        with unchanged.holds(lambda: tag_of(mandate, name)):
            user = managed.account(mandate, name)
            changed = managed.change(mandate, name, _change(asked, user))
        return _shown(mandate, changed, response)

    @routes.delete("/{name}", status_code=204, responses=problems(404, 412))
    def remove_user(mandate: UserAdministrator, name: UserName, unchanged: Unchanged) -> None:
        """Remove an account with its tokens, grants, permissions and sessions."""
        with unchanged.holds(lambda: tag_of(mandate, name)):
            managed.remove(mandate, name)

    @routes.post("/{name}/assignments", status_code=201, responses=problems(404, 409))
    def assign_role(
        mandate: RoleAssigner, name: UserName, new: NewAssignment, response: Response
    ) -> UserTold:
        """Give somebody a role that carries no permission beyond one's own."""
        user = managed.assign(mandate, name, new.assignment())
        response.headers["Location"] = location("users", name)
        return _shown(mandate, user, response)

    @routes.delete("/{name}/assignments", status_code=204, responses=problems(404))
    def unassign_role(
        mandate: RoleAssigner,
        name: UserName,
        role: Annotated[str, Query(min_length=1, max_length=256)],
        archive: _Asked = None,
        collection: _Asked = None,
    ) -> None:
        """Take a role away where it was given, whatever its time."""
        managed.unassign(mandate, name, role, scope_of(archive, collection))

    return routes


def _change(asked: UserChange, user: UserRecord) -> AccountChange:
    """Only what the request named."""
    named = asked.model_fields_set
    starts = asked.starts if "starts" in named else user.starts
    until = asked.until if "until" in named else user.until
    return AccountChange(
        display_name=asked.display_name if "display_name" in named else None,
        groups=frozenset(asked.groups) if "groups" in named else None,
        attributes=attributes_of(asked.attributes) if "attributes" in named else None,
        window=(starts, until) if named & {"starts", "until"} else None,
        disabled=asked.disabled if "disabled" in named else None,
    )


def _told(mandate: Mandate, user: UserRecord) -> UserTold:
    return UserTold.of(user, mandate.policy, mandate.caller.context.now)


def _tag(told: UserTold) -> str:
    return etag_of(told, without=MOVES_BY_ITSELF)


def _shown(mandate: Mandate, user: UserRecord, response: Response) -> UserTold:
    told = _told(mandate, user)
    show_etag(response, _tag(told))
    return told
