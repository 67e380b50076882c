"""My security: where I am signed in, my API keys, my password.  Second factors have pages of their own.

Called by `routes`.

Invariants:
- nobody sees or ends anything here that is somebody else's;
- sessions, keys and password change only soon after their owner has proven who they are;
- the text of a key is on one page, once.

Standard: OWASP ASVS 5.0 6.2.2, 6.2.3 (change of password), 7.5.1 (proof before), 7.5.2 (own sessions).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import MappingProxyType

import anyio
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports import AuthenticationFailed, UserRecord
from pacsgate.services.administer_sessions import OwnSessions
from pacsgate.services.administer_tokens import OwnTokens
from pacsgate.services.own_password import OwnPassword
from pacsgate.services.proofs import Proofs

_READ = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE})
_WRITE = frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE})
_SCOPES: Mapping[str, tuple[str, frozenset[Action] | None]] = MappingProxyType(
    {
        "read": ("Search, view and download", _READ),
        "write": ("The same, and store and annotate", _READ | _WRITE),
        "all": ("Everything that I may do", None),
    }
)
"""What a key may be made for, by the word in the form; it never has more than its owner."""
_DAYS = ("7", "30", "90")
_SAID = {
    "ended": "The session is ended.",
    "others": "All your other sessions are ended.",
    "revoked": "The key is revoked.",
    "password": "Your password is changed, and your other sessions are ended.",
}
"""What the page says after something was done, by the word in the address."""
_WRONG_PASSWORD = "The present password is not right."  # noqa: S105 - a sentence
_TOO_OFTEN = "Too many attempts. Wait a moment, then try again."


@dataclass(frozen=True, slots=True)
class SecurityPages:
    """What these pages work with."""

    visitors: Visitors
    sessions: Callable[[], OwnSessions]
    keys: Callable[[], OwnTokens]
    password: Callable[[], OwnPassword]
    proofs: Proofs
    account: Callable[[TenantScope, str], UserRecord | None]

    def routes(self) -> list[Route]:
        """Their routes."""
        only = self.visitors.only
        return [
            Route("/security", only(self._page), methods=["GET"]),
            Route("/security/sessions/end", only(self._end), methods=["POST"]),
            Route("/security/sessions/end-others", only(self._end_others), methods=["POST"]),
            Route("/security/keys", only(self._make_key), methods=["POST"]),
            Route("/security/keys/revoke", only(self._revoke_key), methods=["POST"]),
            Route("/security/password", only(self._change_password), methods=["POST"]),
        ]

    async def _page(self, visitor: Visitor) -> Response:
        said = _SAID.get(visitor.request.query_params.get("said", ""), "")
        return await anyio.to_thread.run_sync(partial(self._show, visitor, said=said))

    async def _end(self, visitor: Visitor) -> Response:
        form = await visitor.form()

        def work() -> None:
            self._need_fresh(visitor)
            self.sessions().end(visitor.caller, form["id"])

        await anyio.to_thread.run_sync(work)
        return see_other("/security?said=ended")

    async def _end_others(self, visitor: Visitor) -> Response:
        await visitor.form()

        def work() -> None:
            self._need_fresh(visitor)
            self.sessions().end_others(visitor.caller)

        await anyio.to_thread.run_sync(work)
        return see_other("/security?said=others")

    async def _revoke_key(self, visitor: Visitor) -> Response:
        form = await visitor.form()
        await anyio.to_thread.run_sync(self.keys().revoke, visitor.caller, form["id"])
        return see_other("/security?said=revoked")

    async def _make_key(self, visitor: Visitor) -> Response:
        form = await visitor.form()
        days = form["days"] if form["days"] in _DAYS else _DAYS[0]
        _, actions = _SCOPES.get(form["scope"], _SCOPES["read"])

        def work() -> Response:
            self._need_fresh(visitor)
            try:
                issued = self.keys().issue(
                    visitor.caller,
                    label=form["label"].strip(),
                    expires_at=visitor.now + timedelta(days=int(days)),
                    actions=actions,
                )
            except (RequestError, ConflictError) as refused:
                return self._show(visitor, status=400, key_problem=refused.public, asked=form.values())
            return self._show(visitor, made_key=issued.text)

        return await anyio.to_thread.run_sync(work)

    async def _change_password(self, visitor: Visitor) -> Response:
        form = await visitor.form()

        def work() -> Response:
            self._need_fresh(visitor)
            try:
                failed = self.password().change(visitor.caller, form["old"], form["new"])
            except (RequestError, ConflictError) as refused:
                return self._show(visitor, status=400, password_problem=refused.public)
            if isinstance(failed, AuthenticationFailed):
                is_wait = failed.retry_after_seconds is not None
                problem = _TOO_OFTEN if is_wait else _WRONG_PASSWORD
                return self._show(visitor, status=429 if is_wait else 400, password_problem=problem)
            return see_other("/security?said=password")

        return await anyio.to_thread.run_sync(work)

    def _show(
        self,
        visitor: Visitor,
        *,
        status: int = 200,
        said: str = "",
        made_key: str = "",
        key_problem: str = "",
        password_problem: str = "",
        asked: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        caller, account = visitor.caller, self._account(visitor)
        keys = sorted(self.keys().tokens(caller), key=lambda key: key.created_at, reverse=True)
        live = [key for key in keys if key.revoked_at is None and visitor.now < key.expires_at]
        return visitor.render(
            "security.html",
            status=status,
            said=said,
            sessions=self.sessions().sessions(caller),
            keys=live,
            ended_keys=len(keys) - len(live),
            made_key=made_key,
            key_problem=key_problem,
            password_problem=password_problem,
            asked=asked,
            scopes=[(word, label) for word, (label, _) in _SCOPES.items()],
            days=[(days, f"{days} days") for days in _DAYS],
            has_factor=account is not None and account.has_second_factor,
            has_password=not visitor.subject.source,
            source=visitor.subject.source,
        )

    def _need_fresh(self, visitor: Visitor) -> None:
        account = self._account(visitor)
        has_factor = account is not None and account.has_second_factor
        self.proofs.need_fresh(visitor.subject, visitor.context, has_factor=has_factor)

    def _account(self, visitor: Visitor) -> UserRecord | None:
        return self.account(TenantScope(visitor.subject.tenant), visitor.subject.name)
