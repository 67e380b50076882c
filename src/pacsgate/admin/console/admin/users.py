"""`/admin/users`: the accounts, found by name, group, role and state; and new ones.

Called by `routes`; calls `ManagedAccounts`.
"""

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.api.paging import page
from pacsgate.admin.console.admin.desk import AdminDesk, Turn, instant, next_page, words_of
from pacsgate.admin.console.forms import Form
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.subject import SubjectKind
from pacsgate.services.managed_accounts import AccountsAsked, AccountState, NewAccount
from pacsgate.services.mandates import roles_within_reach

_ROWS = 50
_FILTERS = ("search", "group", "role", "state")


def users_routes(desk: AdminDesk) -> list[Route]:
    """The routes."""
    pages = _Users(desk)
    to_list, to_add = (Permission.USER_LIST, pages.show), (Permission.USER_ADMINISTER, pages.show_new)
    add = desk.form(Permission.USER_ADMINISTER, pages.add, to_add)
    return [
        Route("/admin/users", desk.page(*to_list), methods=["GET"]),
        Route("/admin/users/new", desk.page(*to_add), methods=["GET"]),
        Route("/admin/users/new", add, methods=["POST"]),
    ]


class _Users:
    def __init__(self, desk: AdminDesk) -> None:
        self._accounts = desk.managed.accounts
        self._credentials = desk.managed.credentials

    def show(self, turn: Turn) -> Response:
        """Accounts that were asked for."""
        asked = {name: turn.asked(name) for name in _FILTERS}
        state = AccountState(asked["state"]) if asked["state"] in set(AccountState) else None
        wanted = AccountsAsked(
            asked["search"] or None, None, asked["group"] or None, asked["role"] or None, state
        )
        found = self._accounts.accounts(turn.mandate, wanted)
        shown = page(found, lambda user: user.name, _ROWS, turn.asked("cursor") or None)
        policy = turn.mandate.policy
        return turn.render(
            "users.html",
            users=[
                (user, AccountState.of(user, turn.visitor.now), sorted(roles_within_reach(policy, user)))
                for user in shown.rows
            ],
            total=len(found),
            asked=asked,
            states=[("", "any"), *((one.value, one.value) for one in AccountState)],
            after=next_page("/admin/users", asked, shown.next),
        )

    def show_new(self, turn: Turn, given: Form | None = None) -> Response:
        """A form for a new account."""
        kinds = [(kind.value, kind.value) for kind in SubjectKind]
        return turn.render("new_user.html", kinds=kinds, given=given or Form(()))

    def add(self, turn: Turn, form: Form) -> "str | Response":
        """Make an account, and show its invitation once."""
        kind = form["kind"] or SubjectKind.USER.value
        if kind not in set(SubjectKind):
            raise RequestError("choose what kind of account it is")
        account = NewAccount(
            form["name"].strip(),
            SubjectKind(kind),
            form["display_name"].strip(),
            words_of(form["groups"]),
            None,
            instant(form, "starts"),
            instant(form, "until"),
        )
        user = self._accounts.add(turn.mandate, account)
        if "invite" not in form:
            return f"/admin/users/{quote(user.name)}?done=added"
        code = self._credentials.reset(turn.mandate, user.name)
        return turn.render("code.html", code=code, is_invitation=True)
