"""Signing in with an OpenID provider, and being signed out by one.

Called by `bootstrap`, which mounts these routes beside the other pages.

Invariants:
- a browser leaves this site by a link of ours only, and comes back to a path of ours;
- the cookie that binds an answer to its browser lives for one sign-in.

Standard: OpenID Connect Core 3.1.2; Back-Channel Logout 1.0 2.5, 2.8; RFC 9700 4.4; RFC 6265bis (`__Host-`).
"""

from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pacsgate.admin.console.failed_sign_in import refused_by_source
from pacsgate.admin.console.forms import is_chosen, local_path
from pacsgate.admin.console.page import page_headers, see_other
from pacsgate.admin.console.session_cookie import entered
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.errors import RequestError
from pacsgate.ports import AuthenticationFailed
from pacsgate.services.sign_in_with_source import SignInWithSource

BROWSER_COOKIE = "__Host-pacsgate-sign-in"
SIGN_IN_PATH = "/sign-in/openid/{name}"
CALLBACK_PATH = "/sign-in/openid/{name}/callback"
LOGOUT_PATH = "/auth/backchannel-logout/{name}"
_KEPT_SECONDS = 600
_LONGEST_SECRET = 64
_LARGEST_MESSAGE = 64 * 1024
_ANSWER = ("code", "state", "iss", "error")


@dataclass(frozen=True, slots=True)
class OpenIdPages:
    """What these pages work with."""

    visitors: Visitors
    sources: SignInWithSource


def openid_routes(parts: OpenIdPages) -> list[Route]:
    """The routes of sign-in with OpenID providers."""
    pages = _Pages(parts)
    return [
        Route(SIGN_IN_PATH, pages.send, methods=["GET"]),
        Route(CALLBACK_PATH, pages.receive, methods=["GET"]),
        Route("/sign-out/openid/{name}", pages.sign_out, methods=["GET"]),
        Route(LOGOUT_PATH, pages.signed_out, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, parts: OpenIdPages) -> None:
        self._visitors = parts.visitors
        self._sources = parts.sources

    async def send(self, request: Request) -> Response:
        """Send the browser to the provider."""
        context = self._visitors.contexts(request)
        return_to = local_path(request.query_params.get("return_to", "/"))
        if not is_chosen(request):
            return choose_page(return_to)
        begin = partial(
            self._sources.begin, request.path_params["name"], return_to, _browser_secret(request), context
        )
        sent = await anyio.to_thread.run_sync(begin)
        if isinstance(sent, AuthenticationFailed):
            return refused_by_source(sent)
        response = RedirectResponse(sent.url, status_code=303, headers=page_headers())
        response.set_cookie(
            BROWSER_COOKIE,
            sent.browser_secret,
            max_age=_KEPT_SECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return response

    async def receive(self, request: Request) -> Response:
        """Begin a session for whoever the provider says this is."""
        context = self._visitors.contexts(request)
        query = request.query_params
        if any(len(query.getlist(name)) > 1 for name in _ANSWER):
            raise RequestError("the answer of the identity provider says something twice")
        finish = partial(
            self._sources.finish,
            request.path_params["name"],
            {name: query[name] for name in _ANSWER if name in query},
            _browser_secret(request),
            context,
            previous_cookie=request.cookies.get(COOKIE_NAME),
            user_agent=request.headers.get("user-agent", ""),
        )
        found = await anyio.to_thread.run_sync(finish)
        if isinstance(found, AuthenticationFailed):
            return refused_by_source(found)
        response = entered(found.started, found.return_to, context.now)
        response.delete_cookie(BROWSER_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    async def sign_out(self, request: Request) -> Response:
        """Send a browser that is signed out here to the provider, to end its session there too."""
        url = await anyio.to_thread.run_sync(self._sources.sign_out_url, request.path_params["name"])
        if url is None:
            return see_other("/sign-in?said=out")
        return RedirectResponse(url, status_code=303, headers=page_headers())

    async def signed_out(self, request: Request) -> Response:
        """End the sessions that a provider has ended; it asks by itself, without any browser."""
        headers = {"Cache-Control": "no-store"}
        length = request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > _LARGEST_MESSAGE:
            return JSONResponse({"error": "invalid_request"}, status_code=400, headers=headers)
        async with request.form(max_files=0, max_fields=10) as form:
            message = {name: value for name, value in form.items() if isinstance(value, str)}
        context = self._visitors.contexts(request)
        work = partial(self._sources.signed_out, request.path_params["name"], message, context)
        if not await anyio.to_thread.run_sync(work):
            return JSONResponse({"error": "invalid_request"}, status_code=400, headers=headers)
        return Response(status_code=200, headers=headers)


def _browser_secret(request: Request) -> str | None:
    secret = request.cookies.get(BROWSER_COOKIE)
    return secret if secret is not None and len(secret) <= _LONGEST_SECRET else None


def choose_page(return_to: str) -> Response:
    """The sign-in page with its buttons, for a browser that another site has sent by itself."""
    return see_other(f"/sign-in?return_to={quote(return_to, safe='')}")
