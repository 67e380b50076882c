"""`/admin/users/{name}`: one account, what it has, and what can be done to it.

Called by `routes`; calls `ManagedAccounts` and `ManagedCredentials`.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.api.user_shapes import assignments_told, scope_of
from pacsgate.admin.console.admin.desk import Act, AdminDesk, Turn, instant, words_of
from pacsgate.admin.console.forms import Form
from pacsgate.model.errors import RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment
from pacsgate.ports import TokenRecord, UserRecord
from pacsgate.ports.factors import FactorKind
from pacsgate.ports.locks import LockTarget
from pacsgate.services.managed_accounts import AccountChange, AccountState

_SEE, _ADMINISTER = Permission.USER_LIST, Permission.USER_ADMINISTER
_ASSIGN, _TOKENS = Permission.ROLE_ASSIGN, Permission.TOKEN_ADMINISTER


def user_routes(desk: AdminDesk) -> list[Route]:
    """The routes: the page, and one for each of its forms."""
    pages = _User(desk)
    path, shown = "/admin/users/{name}", (_SEE, pages.show)
    forms: Mapping[str, tuple[Permission, Act]] = {
        "details": (_ADMINISTER, pages.change),
        "validity": (_ADMINISTER, pages.set_validity),
        "disable": (_ADMINISTER, pages.disable),
        "enable": (_ADMINISTER, pages.enable),
        "lock": (_ADMINISTER, pages.lock),
        "unlock": (_ADMINISTER, pages.unlock),
        "reset": (_ADMINISTER, pages.reset),
        "remove": (_ADMINISTER, pages.remove),
        "end-session": (_ADMINISTER, pages.end_session),
        "end-sessions": (_ADMINISTER, pages.end_sessions),
        "remove-factors": (_ADMINISTER, pages.remove_factors),
        "assign": (_ASSIGN, pages.assign),
        "unassign": (_ASSIGN, pages.unassign),
        "revoke-token": (_TOKENS, pages.revoke_token),
    }
    return [
        Route(path, desk.page(*shown), methods=["GET"]),
        *(
            Route(f"{path}/{word}", desk.form(permission, act, shown), methods=["POST"])
            for word, (permission, act) in forms.items()
        ),
    ]


class _User:
    def __init__(self, desk: AdminDesk) -> None:
        self._desk = desk
        self._managed = desk.managed
        self._accounts = desk.managed.accounts
        self._credentials = desk.managed.credentials

    def show(self, turn: Turn) -> Response:
        """One account."""
        user = self._accounts.account(turn.mandate, turn["name"])
        reaches = turn.mandate.reaches(user)
        locks = [
            lock
            for lock in self._accounts.locks(turn.mandate)
            if (lock.target, lock.name) == (LockTarget.USER, user.name)
        ]
        known = self._managed.roles.roles(turn.mandate)
        return turn.render(
            "user.html",
            user=user,
            state=AccountState.of(user, turn.visitor.now),
            lock=locks[0] if locks else None,
            assignments=assignments_told(user, turn.mandate.policy),
            roles=[(known.role.name, known.role.name) for known in known],
            reaches=reaches,
            administers=reaches and turn.may(_ADMINISTER),
            assigns=reaches and turn.may(_ASSIGN),
            **(self._proofs(turn, user) if reaches and turn.may(_ADMINISTER) else {}),
            tokens=self._tokens(turn, user) if reaches and turn.may(_TOKENS) else [],
        )

    def _proofs(self, turn: Turn, user: UserRecord) -> dict[str, object]:
        """What the user signs in and has signed in with."""
        mandate = self._desk.turn(turn.visitor, _ADMINISTER).mandate
        factors = self._credentials.factors(mandate, user.name)
        return {
            "sessions": self._credentials.sessions(mandate, user.name),
            "factors": [factor for factor in factors if factor.kind is not FactorKind.RECOVERY_CODE],
            "recovery_codes": sum(factor.kind is FactorKind.RECOVERY_CODE for factor in factors),
        }

    def _tokens(self, turn: Turn, user: UserRecord) -> list[TokenRecord]:
        mandate, now = self._desk.turn(turn.visitor, _TOKENS).mandate, turn.visitor.now
        held = self._credentials.tokens(mandate, user.name)
        return [token for token in held if token.revoked_at is None and now < token.expires_at]

    def change(self, turn: Turn, form: Form) -> str:
        """The name to show, and the groups."""
        groups = words_of(form["groups"]) if "has_groups" in form else None
        asked = AccountChange(display_name=form["display_name"].strip(), groups=groups)
        self._accounts.change(turn.mandate, turn["name"], asked)
        return _back(turn, "changed")

    def set_validity(self, turn: Turn, form: Form) -> str:
        """From when until when it counts."""
        window: tuple[datetime | None, datetime | None] = (instant(form, "starts"), instant(form, "until"))
        self._accounts.change(turn.mandate, turn["name"], AccountChange(window=window))
        return _back(turn, "changed")

    def disable(self, turn: Turn, _form: Form) -> str:
        """Refuse it from the next request on."""
        self._accounts.change(turn.mandate, turn["name"], AccountChange(disabled=True))
        return _back(turn, "changed")

    def enable(self, turn: Turn, _form: Form) -> str:
        """Let it in again."""
        self._accounts.change(turn.mandate, turn["name"], AccountChange(disabled=False))
        return _back(turn, "changed")

    def lock(self, turn: Turn, form: Form) -> str:
        """Keep it out at once."""
        self._accounts.lock(turn.mandate, turn["name"], form["reason"], instant(form, "until"))
        return _back(turn, "locked")

    def unlock(self, turn: Turn, _form: Form) -> str:
        """Lift the lock."""
        self._accounts.unlock(turn.mandate, turn["name"])
        return _back(turn, "unlocked")

    def reset(self, turn: Turn, _form: Form) -> Response:
        """Show a code for a new password, once."""
        code = self._credentials.reset(turn.mandate, turn["name"])
        return turn.render("code.html", code=code, is_invitation=False)

    def remove(self, turn: Turn, form: Form) -> str:
        """Remove it, if its name was written out."""
        if form["name"].strip() != turn["name"]:
            raise RequestError("write the name of the account to remove it")
        self._accounts.remove(turn.mandate, turn["name"])
        return "/admin/users?done=removed"

    def end_session(self, turn: Turn, form: Form) -> str:
        """End one session."""
        self._credentials.end_session(turn.mandate, turn["name"], form["session"])
        return _back(turn, "ended")

    def end_sessions(self, turn: Turn, _form: Form) -> str:
        """End all sessions."""
        self._credentials.end_sessions(turn.mandate, turn["name"])
        return _back(turn, "ended")

    def remove_factors(self, turn: Turn, _form: Form) -> str:
        """Take away every second factor of somebody who has lost theirs."""
        self._credentials.remove_factors(turn.mandate, turn["name"])
        return _back(turn, "removed")

    def assign(self, turn: Turn, form: Form) -> str:
        """Give a role in a scope, for a time."""
        scope = scope_of(form["archive"].strip() or None, form["collection"].strip() or None)
        given = Assignment(form["role"], scope, instant(form, "starts"), instant(form, "until"))
        self._accounts.assign(turn.mandate, turn["name"], given)
        return _back(turn, "assigned")

    def unassign(self, turn: Turn, form: Form) -> str:
        """Take a role away."""
        scope = scope_of(form["archive"] or None, form["collection"] or None)
        self._accounts.unassign(turn.mandate, turn["name"], form["role"], scope)
        return _back(turn, "unassigned")

    def revoke_token(self, turn: Turn, form: Form) -> str:
        """Make a token worthless."""
        self._credentials.revoke(turn.mandate, turn["name"], form["token"])
        return _back(turn, "revoked")


def _back(turn: Turn, done: str) -> str:
    return f"/admin/users/{quote(turn['name'])}?done={done}"
