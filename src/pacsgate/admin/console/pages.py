"""The pages of a browser session.

Called by `bootstrap`, which mounts them beside the doors.

Invariants:
- a form is accepted only from a page of this very site (Fetch metadata, else
  Origin), and signing out only with the session's own token;
- a failed sign-in looks the same whoever was claimed;
- no page can be framed, cached or scripted.

Standard: OWASP ASVS 5.0 3.4, 3.5.1 (forms), 6.3.8 (no enumeration), 7.2.4 (new session at sign-in).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pacsgate.audit.events import Actor
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import SessionCredential
from pacsgate.identity.sessions import ABSOLUTE_LIMIT, COOKIE_NAME, ServerSessions
from pacsgate.model.context import Context
from pacsgate.model.errors import ConflictError, PacsgateError, RecordError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.services.administration import Change
from pacsgate.services.setup import Setup
from pacsgate.services.sign_in import SignIn

_MAX_FORM_BYTES = 16 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_ASSETS = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
_TEMPLATES = Environment(
    loader=PackageLoader("pacsgate.admin.console"), autoescape=True, undefined=StrictUndefined
)
_REFUSED = "That name and password do not match."


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages work with."""

    contexts: Callable[[Request], Context]
    authenticator: Authenticator
    roles: Callable[[Subject, Context], frozenset[str]]
    """The roles in effect, whoever gave them: for people to read, not to decide by."""
    sign_in: SignIn
    sessions: ServerSessions
    setup: Callable[[], Setup]
    scope: TenantScope
    has_viewer: bool


Page = Callable[[Request], Awaitable[Response]]


def console_routes(console: Console) -> list[Route]:
    """The routes of every page."""
    pages = _Pages(console)
    return [
        Route("/", pages.home, methods=["GET"]),
        *(Route(f"/{name}", pages.asset, methods=["GET"]) for name in _ASSETS),
        Route("/sign-in", pages.sign_in_form, methods=["GET"]),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/sign-out", pages.sign_out, methods=["POST"]),
        Route("/setup", pages.setup_form, methods=["GET"]),
        Route("/setup", pages.setup, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def home(self, request: Request) -> Response:
        """Who is signed in, and where to go from here."""
        context = self._console.contexts(request)
        found = await self._signed_in(request, context)
        if found is None:
            return RedirectResponse("/sign-in", status_code=303, headers=_HEADERS)
        subject, cookie = found
        csrf = await anyio.to_thread.run_sync(self._console.sessions.csrf_token, cookie)
        roles = await anyio.to_thread.run_sync(self._console.roles, subject, context)
        return _page(
            "home.html",
            name=subject.display_name or subject.name,
            roles=sorted(roles),
            groups=sorted(subject.groups),
            csrf_token=csrf,
            has_viewer=self._console.has_viewer,
        )

    async def asset(self, request: Request) -> Response:
        """What the pages look like."""
        name = request.url.path.removeprefix("/")
        content = _TEMPLATES.get_template(name).render()
        return Response(content, media_type=_ASSETS[name], headers={**_HEADERS, "Cache-Control": "no-cache"})

    async def sign_in_form(self, _request: Request) -> Response:
        """Ask for name and password."""
        return _page("sign_in.html", problem=None, name="")

    async def sign_in(self, request: Request) -> Response:
        """Verify them and begin a session."""
        form = await _form(request)
        context = self._console.contexts(request)
        name, password = form.get("name", ""), form.get("password", "")
        previous = request.cookies.get(COOKIE_NAME)
        try:
            started = await anyio.to_thread.run_sync(
                self._console.sign_in.sign_in, name, password, context, previous
            )
        except RecordError:
            return _page("sign_in.html", status=503, problem="The audit trail cannot be written.", name=name)
        if isinstance(started, AuthenticationFailed):
            return _refused(started, name)
        response = RedirectResponse("/", status_code=303, headers=_HEADERS)
        response.set_cookie(
            COOKIE_NAME,
            started.cookie,
            max_age=int(ABSOLUTE_LIMIT.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        form = await _form(request)
        context = self._console.contexts(request)
        response = RedirectResponse("/sign-in", status_code=303, headers=_HEADERS)
        found = await self._signed_in(request, context)
        if found is None:
            return response
        subject, cookie = found
        token = form.get("csrf_token", "")
        if not await anyio.to_thread.run_sync(self._console.sessions.is_own_form, cookie, token):
            raise RequestError("this form does not belong to your session: reload the page", status=403)
        await anyio.to_thread.run_sync(self._console.sign_in.sign_out, subject, cookie, context)
        response.delete_cookie(COOKIE_NAME, path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def setup_form(self, _request: Request) -> Response:
        """Ask for the set-up code and the first administrator."""
        return _page("setup.html", problem=None, name="")

    async def setup(self, request: Request) -> Response:
        """Make the first administrator."""
        form = await _form(request)
        context = self._console.contexts(request)
        name = form.get("name", "")
        actor = Actor("setup-code", verified=True, address=context.client_address)
        change = Change(self._console.scope, actor, context.now, context.request_id)

        def work() -> None:
            self._console.setup().complete(change, form.get("code", ""), name, form.get("password", ""))

        try:
            await anyio.to_thread.run_sync(work)
        except (RequestError, ConflictError) as refused:
            return _page("setup.html", status=400, problem=refused.public, name=name)
        return RedirectResponse("/sign-in", status_code=303, headers=_HEADERS)

    async def _signed_in(self, request: Request, context: Context) -> tuple[Subject, str] | None:
        cookie = request.cookies.get(COOKIE_NAME)
        if cookie is None:
            return None
        found = await anyio.to_thread.run_sync(
            self._console.authenticator.authenticate, SessionCredential(cookie), context
        )
        return (found, cookie) if isinstance(found, Subject) else None


def page_error(raised: PacsgateError) -> Response:
    """A page for one of our errors."""
    status = raised.status if isinstance(raised, RequestError) else 503
    return _page("problem.html", status=status, problem=raised.public)


def no_page(status: int) -> Response:
    """A page for an address or a method that leads nowhere."""
    return _page("problem.html", status=status, problem="There is no such page.")


def _refused(failed: AuthenticationFailed, name: str) -> Response:
    if failed.kind in {FailureKind.LOCKED_OUT, FailureKind.BUSY}:
        seconds = failed.retry_after_seconds or 1
        response = _page(
            "sign_in.html",
            status=429,
            problem=f"Too many attempts. Try again in {seconds} seconds.",
            name=name,
        )
        response.headers["Retry-After"] = str(seconds)
        return response
    return _page("sign_in.html", status=401, problem=_REFUSED, name=name)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form that one of our own pages sent.  Raises `RequestError`."""
    if not _is_own(request):
        raise RequestError("this form was sent from another site", status=403)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _MAX_FORM_BYTES:
        raise RequestError("the form is too large", status=413)
    async with request.form(max_files=0, max_fields=10) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _is_own(request: Request) -> bool:
    """Whether a browser says that one of our pages sent this; tools that are no browsers say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _page(template: str, status: int = 200, **values: object) -> Response:
    return Response(
        _TEMPLATES.get_template(template).render(**values),
        status_code=status,
        media_type="text/html",
        headers=_HEADERS,
    )
