"""The pages before anybody is signed in: signing in, signing out, the first administrator.

Called by `routes`.

Invariants:
- a failed sign-in looks the same whoever was claimed;
- signing out needs the session's own token.

Standard: OWASP ASVS 5.0 6.3.8 (no enumeration), 7.2.4 (new session at sign-in), 7.4.4 (sign out everywhere).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.failed_sign_in import status_of, too_often, with_wait
from pacsgate.admin.console.forms import local_path, read_form
from pacsgate.admin.console.page import render, see_other
from pacsgate.admin.console.session_cookie import drop_session_cookie, entered
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.audit.events import Actor
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.errors import ConflictError, RecordError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports import AuthenticationFailed
from pacsgate.services.administration import Change
from pacsgate.services.reset_password import PasswordReset
from pacsgate.services.setup import Setup
from pacsgate.services.sign_in import SignIn

_REFUSED = "That name and password do not match."
_UNAVAILABLE = "The directory cannot be reached. Accounts of the gate itself can still sign in."
_NO_CODE = "That code is not good, or not any more. Ask the administrator for another."
_SAID = {
    "out": "You are signed out.",
    "passkey": "That passkey is not known here, or did not check who you are.",
    "ended": "Your session has ended. Sign in again to go on.",
    "chosen": "Your password is set. Sign in with it.",
    "ready": "The account is ready. Sign in with it.",
}
"""What the sign-in page says to somebody who was sent there, by the word in the address."""


@dataclass(frozen=True, slots=True)
class SourceLink:
    """An identity source at which people may sign in, as a button."""

    path: str
    """Where its sign-in begins; gets `return_to` as a parameter."""
    label: str
    name: str = ""
    """The source as the configuration names it."""
    sign_out: str = ""
    """Where somebody is signed out there too, if the source knows how."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the pages of signing in work with."""

    visitors: Visitors
    sign_in: SignIn
    setup: Callable[[], Setup]
    reset: Callable[[], PasswordReset]
    scope: TenantScope
    sources: tuple[SourceLink, ...] = ()


def entry_routes(entry: Entry) -> list[Route]:
    """The routes of these pages."""
    pages = _Pages(entry)
    return [
        Route("/sign-in", pages.sign_in_form, methods=["GET"]),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
        Route("/reset", pages.reset_form, methods=["GET"]),
        Route("/reset", pages.reset, methods=["POST"]),
        Route("/setup", pages.setup_form, methods=["GET"]),
        Route("/setup", pages.setup, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    async def sign_in_form(self, request: Request) -> Response:
        """Ask for name and password, or for a source."""
        given = request.query_params
        said, source = _SAID.get(given.get("said", ""), ""), given.get("source", "")
        elsewhere = next((one for one in self._entry.sources if one.sign_out and one.name == source), None)
        return self._sign_in_page(local_path(given.get("return_to", "/")), said=said, elsewhere=elsewhere)

    async def sign_in(self, request: Request) -> Response:
        """Verify them and begin a session."""
        form = await read_form(request)
        context = self._entry.visitors.contexts(request)
        name, return_to = form["name"], local_path(form["return_to"])
        verify = partial(
            self._entry.sign_in.sign_in,
            name,
            form["password"],
            context,
            request.cookies.get(COOKIE_NAME),
            user_agent=request.headers.get("user-agent", ""),
        )
        try:
            started = await anyio.to_thread.run_sync(verify)
        except RecordError:
            unwritable = "The audit trail cannot be written, so nobody can sign in. Tell the operator."
            return self._sign_in_page(return_to, status=503, problem=unwritable, name=name)
        if isinstance(started, AuthenticationFailed):
            return self._refused(started, name, return_to)
        return entered(started, return_to, context.now)

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        visitor = await self._entry.visitors.seen(request)
        if visitor is None:
            await read_form(request)
            return see_other("/sign-in")
        await visitor.form()
        await anyio.to_thread.run_sync(self._end, visitor)
        source = quote(visitor.subject.source, safe="")
        response = see_other(f"/sign-in?said=out{f'&source={source}' if source else ''}")
        drop_session_cookie(response)
        return response

    def _end(self, visitor: Visitor) -> None:
        self._entry.sign_in.sign_out(visitor.subject, visitor.cookie, visitor.context)

    async def reset_form(self, _request: Request) -> Response:
        """Ask for a reset code and a new password."""
        return render("reset.html", name="")

    async def reset(self, request: Request) -> Response:
        """Set the password that somebody with a code has chosen."""
        form = await read_form(request)
        context, name = self._entry.visitors.contexts(request), form["name"]

        def work() -> AuthenticationFailed | None:
            return self._entry.reset().complete(name, form["code"], form["password"], context)

        try:
            failed = await anyio.to_thread.run_sync(work)
        except RequestError as weak:
            return render("reset.html", status=400, problem=weak.public, name=name)
        if failed is None:
            return see_other("/sign-in?said=chosen")
        if failed.retry_after_seconds is None:
            return render("reset.html", status=400, problem=_NO_CODE, name=name)
        return with_wait(render("reset.html", status=429, problem=too_often(failed), name=name), failed)

    async def setup_form(self, _request: Request) -> Response:
        """Ask for the set-up code and the first administrator."""
        return render("setup.html", name="")

    async def setup(self, request: Request) -> Response:
        """Make the first administrator."""
        form = await read_form(request)
        context = self._entry.visitors.contexts(request)
        actor = Actor("setup-code", verified=True, address=context.client_address)
        change = Change(self._entry.scope, actor, context.now, context.request_id)

        def work() -> None:
            self._entry.setup().complete(change, form["code"], form["name"], form["password"])

        try:
            await anyio.to_thread.run_sync(work)
        except (RequestError, ConflictError) as refused:
            return render("setup.html", status=400, problem=refused.public, name=form["name"])
        return see_other("/sign-in?said=ready")

    def _refused(self, failed: AuthenticationFailed, name: str, return_to: str) -> Response:
        status = status_of(failed)
        problem = {401: _REFUSED, 429: too_often(failed), 503: _UNAVAILABLE}[status]
        return with_wait(self._sign_in_page(return_to, status=status, problem=problem, name=name), failed)

    def _sign_in_page(
        self,
        return_to: str,
        *,
        status: int = 200,
        problem: str = "",
        said: str = "",
        name: str = "",
        elsewhere: SourceLink | None = None,
    ) -> Response:
        return render(
            "sign_in.html",
            status=status,
            problem=problem,
            said=said,
            elsewhere=elsewhere,
            name=name,
            return_to=return_to,
            sources=self._entry.sources,
        )
