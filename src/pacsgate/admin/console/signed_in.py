"""Who looks at a page: the person of this browser's session, or nobody yet.

A page for people who are signed in is a function of a `Visitor`; `Visitors.only`
turns it into an endpoint.  Whoever is not signed in is sent to sign in and
comes back afterwards; whoever owes a second factor is sent to prove it.

Called by every module of pages; made by `bootstrap`.

Invariants:
- a session counts here only as the one `Authenticator` sees it, so locks and ends are obeyed at once;
- a form of a visitor is read only with the token of this very session.

Standard: OWASP ASVS 5.0 3.5.1 (forms), 7.2.1, 7.5.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from pacsgate.admin.console.forms import Form, read_form
from pacsgate.admin.console.nav import Nav, nav
from pacsgate.admin.console.page import render, see_other
from pacsgate.admin.console.problem_pages import page_error
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.sessions import COOKIE_NAME, ServerSessions
from pacsgate.model.context import Context
from pacsgate.model.errors import PacsgateError, RequestError, StepUpError
from pacsgate.model.permission import Permission
from pacsgate.model.subject import Subject
from pacsgate.services.callers import Caller

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in and asks for a page."""

    request: Request
    context: Context
    subject: Subject
    cookie: str
    csrf_token: str
    permissions: frozenset[Permission]
    """The named permissions in effect."""

    @property
    def caller(self) -> Caller:
        """The person as use cases know who asks."""
        return Caller(self.subject, self.context)

    @property
    def name(self) -> str:
        """How the person is called on pages."""
        return self.subject.display_name or self.subject.name

    @property
    def nav(self) -> Nav:
        """Where this person may go."""
        return nav(self.permissions, self.request.url.path)

    @property
    def now(self) -> datetime:
        """The instant of this page."""
        return self.context.now

    def render(self, template: str, *, status: int = 200, **values: object) -> Response:
        """A page for this visitor: templates know `visitor` besides what they are given."""
        return render(template, status=status, visitor=self, **values)

    async def form(self) -> Form:
        """The form that a page of this very session sent.  Raises `RequestError`."""
        form = await read_form(self.request)
        if not _same(form["csrf_token"], self.csrf_token):
            raise RequestError("this form does not belong to your session: reload the page", status=403)
        return form


VisitorPage = Callable[[Visitor], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visitors:
    """Tells who looks at a page."""

    contexts: Callable[[Request], Context]
    authenticator: Authenticator
    sessions: ServerSessions
    permissions: Callable[[Subject, Context], frozenset[Permission]]
    owes: Callable[[Subject, Context], bool]
    """Whether the person must prove a second factor before any other page."""

    def only(self, page: VisitorPage, *, also_owing: bool = False) -> Endpoint:
        """An endpoint for people who are signed in; `also_owing` is for where the factor is proven."""

        async def endpoint(request: Request) -> Response:
            visitor = await self.seen(request)
            if visitor is None:
                return see_other(_to_sign_in(request))
            if not also_owing and await self._owes(visitor):
                return see_other(f"/second-factor{_coming_back(request)}")
            try:
                return await page(visitor)
            except StepUpError as wanting:
                back = quote(_page_of(request), safe="")
                return see_other(f"/step-up?return_to={back}&level={wanting.wanted.level}")
            except PacsgateError as raised:
                return page_error(raised, visitor.render)

        return endpoint

    async def seen(self, request: Request) -> Visitor | None:
        """Who is signed in at this browser, if anybody is."""
        cookie = request.cookies.get(COOKIE_NAME)
        if cookie is None:
            return None
        return await anyio.to_thread.run_sync(self._visitor, request, cookie)

    def _visitor(self, request: Request, cookie: str) -> Visitor | None:
        context = self.contexts(request)
        subject = self.authenticator.authenticate(SessionCredential(cookie), context)
        csrf_token = self.sessions.csrf_token(cookie)
        if not isinstance(subject, Subject) or csrf_token is None:
            return None
        return Visitor(request, context, subject, cookie, csrf_token, self.permissions(subject, context))

    async def _owes(self, visitor: Visitor) -> bool:
        return await anyio.to_thread.run_sync(partial(self.owes, visitor.subject, visitor.context))


def _to_sign_in(request: Request) -> str:
    """The sign-in page, which says so where there was a session once."""
    words = [_coming_back(request).removeprefix("?")]
    if COOKIE_NAME in request.cookies:
        words.insert(0, "said=ended")
    told = "&".join(word for word in words if word)
    return f"/sign-in?{told}" if told else "/sign-in"


def _coming_back(request: Request) -> str:
    """Where to go after signing in: the page that was asked for, unless that is home anyway."""
    if request.method != "GET" or request.url.path == "/":
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"?return_to={quote(request.url.path + query, safe='')}"


def _page_of(request: Request) -> str:
    """The page that a request is of: itself, or of a form the nearest page above where it was sent."""
    path = request.url.path
    while path and not _is_page(request, path):
        path = path.rpartition("/")[0]
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return (path or "/") + query


def _is_page(request: Request, path: str) -> bool:
    scope = {**request.scope, "method": "GET", "path": path}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("ascii"))
