"""`/admin/roles`: what each role can ever do, as a matrix, and those that no policy file defines, changed.

Called by `routes`; calls `ManagedRoles`.
"""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.admin.desk import AdminDesk, Turn, words_of
from pacsgate.admin.console.forms import Form
from pacsgate.model.actions import Action
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.services.managed_accounts import AccountsAsked
from pacsgate.services.managed_roles import KnownRole
from pacsgate.services.time_boxed_roles import need_span

_LIST, _SEE, _ADD = Permission.ROLE_LIST, Permission.ROLE_GET, Permission.ROLE_CREATE
_CHANGE, _REMOVE = Permission.ROLE_UPDATE, Permission.ROLE_REMOVE
_NEW = KnownRole(Role(""), None)
_CUSTOM = [each for each in Permission if each not in NEVER_IN_CUSTOM_ROLES]


def roles_routes(desk: AdminDesk) -> list[Route]:
    """The routes."""
    pages = _Roles(desk)
    shown, new = (_SEE, pages.show), (_ADD, pages.show_new)
    return [
        Route("/admin/roles", desk.page(_LIST, pages.show_all), methods=["GET"]),
        Route("/admin/roles/new", desk.page(*new), methods=["GET"]),
        Route("/admin/roles/new", desk.form(_ADD, pages.add, new), methods=["POST"]),
        Route("/admin/roles/{name}", desk.page(*shown), methods=["GET"]),
        Route("/admin/roles/{name}", desk.form(_CHANGE, pages.change, shown), methods=["POST"]),
        Route("/admin/roles/{name}/remove", desk.form(_REMOVE, pages.remove, shown), methods=["POST"]),
    ]


class _Roles:
    def __init__(self, desk: AdminDesk) -> None:
        self._roles = desk.managed.roles
        self._accounts = desk.managed.accounts

    def show_all(self, turn: Turn) -> Response:
        """Every role, against every action and permission."""
        return turn.render(
            "roles.html",
            roles=self._roles.roles(turn.mandate),
            actions=list(Action),
            may_add=turn.may(_ADD),
        )

    def show(self, turn: Turn) -> Response:
        """One role, and a form where it can be changed here."""
        known = self._roles.role(turn.mandate, turn["name"])
        holders = self._accounts.accounts(turn.mandate, AccountsAsked(role=known.role.name))
        return self._form(turn, known, [user.name for user in holders])

    def show_new(self, turn: Turn) -> Response:
        """A form for a new role."""
        return self._form(turn, _NEW, [])

    def add(self, turn: Turn, form: Form) -> str:
        """Define a role."""
        role = self._roles.add(turn.mandate, _role(form["name"].strip(), form))
        return f"/admin/roles/{quote(role.name)}?done=added"

    def change(self, turn: Turn, form: Form) -> str:
        """Define it anew."""
        before = self._roles.role(turn.mandate, turn["name"]).role
        role = self._roles.change(turn.mandate, _role(before.name, form))
        return f"/admin/roles/{quote(role.name)}?done=changed"

    def remove(self, turn: Turn, _form: Form) -> str:
        """Remove it."""
        self._roles.remove(turn.mandate, turn["name"])
        return "/admin/roles?done=removed"

    def _form(self, turn: Turn, known: KnownRole, holders: list[str]) -> Response:
        return turn.render(
            "role.html",
            role=known.role,
            place=known.place,
            is_built_in=known.is_built_in,
            is_new=known is _NEW,
            holders=holders,
            actions=list(Action),
            permissions=_CUSTOM,
            changes=turn.may(_CHANGE) and known.is_kept_here,
            removes=turn.may(_REMOVE) and known.is_kept_here,
        )


def _role(name: str, form: Form) -> Role:
    may, permissions = frozenset(form.all("may")), frozenset(form.all("permissions"))
    if not may <= set(Action) or not permissions <= set(Permission):
        raise RequestError("choose actions and permissions from those that there are")
    return Role(
        name=name,
        may=frozenset(map(Action, may)),
        permissions=frozenset(map(Permission, permissions)),
        owner=form["owner"].strip() or None,
        description=form["description"].strip() or None,
        extends=words_of(form["extends"]),
        longest=need_span(form["longest"].strip()) if form["longest"].strip() else None,
    )
