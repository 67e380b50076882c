"""Signing in with SAML providers, and being signed out by one.

The answer of a provider is a form that another site posts.  Browsers send no cookie of ours with it but one
that says that it may be (`SameSite=None`), so there is such a cookie for the length of a sign-in: it holds
the secret that binds the answer to this browser, and the session that the new one replaces.

Called by `bootstrap`, which mounts these routes beside the other pages.

Invariants:
- a browser leaves this site by a link of ours only, and comes back to a path of ours;
- nothing reads a session from any cookie but the session's own.

Standard: SAML 2.0 Bindings 3.4, 3.5; SAML 2.0 Metadata 4.1.1; RFC 6265bis (`__Host-`, `SameSite`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pacsgate.admin.console.failed_sign_in import refused_by_source
from pacsgate.admin.console.forms import is_chosen, local_path
from pacsgate.admin.console.oidc_pages import choose_page
from pacsgate.admin.console.page import page_headers, see_other
from pacsgate.admin.console.session_cookie import entered
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.identity.saml.door import SamlDoor
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.ports import AuthenticationFailed
from pacsgate.services.sign_in_with_source import SignInWithSource

BROWSER_COOKIE = "__Host-pacsgate-saml"
SIGN_IN_PATH = "/sign-in/saml/{name}"
_KEPT_SECONDS = 600
_LARGEST_ANSWER = 512 * 1024
"""A response of the greatest size in base64 and percent-encoding."""
_LONGEST_COOKIE = 256
_FIELDS = frozenset({"SAMLResponse", "RelayState"})
_MESSAGE = frozenset({"SAMLRequest", "RelayState", "SigAlg", "Signature"})


@dataclass(frozen=True, slots=True)
class SamlPages:
    """What these pages work with."""

    visitors: Visitors
    doors: Mapping[str, SamlDoor]
    sources: SignInWithSource


def saml_routes(parts: SamlPages) -> list[Route]:
    """The routes of sign-in with SAML providers."""
    pages = _Pages(parts)
    return [
        Route(SIGN_IN_PATH, pages.send, methods=["GET"]),
        Route("/auth/saml/{name}/metadata", pages.metadata, methods=["GET"]),
        Route("/auth/saml/{name}/acs", pages.receive, methods=["POST"]),
        Route("/auth/saml/{name}/logout", pages.signed_out, methods=["GET"]),
    ]


class _Pages:
    def __init__(self, parts: SamlPages) -> None:
        self._visitors = parts.visitors
        self._doors = parts.doors
        self._sources = parts.sources

    async def send(self, request: Request) -> Response:
        """Send the browser to the provider."""
        context = self._visitors.contexts(request)
        return_to = local_path(request.query_params.get("return_to", "/"))
        if not is_chosen(request):
            return choose_page(return_to)
        secret, _ = _kept(request)
        begin = partial(self._sources.begin, self._door(request).name, return_to, secret, context)
        sent = await anyio.to_thread.run_sync(begin)
        if isinstance(sent, AuthenticationFailed):
            return refused_by_source(sent)
        response = RedirectResponse(sent.url, status_code=303, headers=page_headers())
        session = request.cookies.get(COOKIE_NAME, "")
        response.set_cookie(
            BROWSER_COOKIE,
            f"{sent.browser_secret}.{session}",
            max_age=_KEPT_SECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="none",
        )
        return response

    async def metadata(self, request: Request) -> Response:
        """What the provider has to know of the gate."""
        content = self._door(request).metadata()
        return Response(content, media_type="application/samlmetadata+xml", headers=page_headers())

    async def receive(self, request: Request) -> Response:
        """Begin a session for whoever the provider says this is."""
        context = self._visitors.contexts(request)
        answer = await _answer(request)
        secret, session = _kept(request)
        finish = partial(
            self._sources.finish,
            self._door(request).name,
            answer,
            secret,
            context,
            previous_cookie=session,
            user_agent=request.headers.get("user-agent", ""),
        )
        found = await anyio.to_thread.run_sync(finish)
        if isinstance(found, AuthenticationFailed):
            return refused_by_source(found)
        response = entered(found.started, found.return_to, context.now)
        response.delete_cookie(BROWSER_COOKIE, path="/", secure=True, httponly=True, samesite="none")
        return response

    async def signed_out(self, request: Request) -> Response:
        """End the sessions of somebody who has signed out at the provider, and send the browser back."""
        context = self._visitors.contexts(request)
        door = self._door(request)
        message = _once(request.query_params.multi_items(), _MESSAGE)
        work = partial(self._sources.signed_out, door.name, message, context)
        if not await anyio.to_thread.run_sync(work):
            raise RequestError("this is no logout request of the identity provider")
        url = await anyio.to_thread.run_sync(door.logout_answer_url, message, context)
        if url is None:
            return see_other("/sign-in?said=out")
        return RedirectResponse(url, status_code=303, headers=page_headers())

    def _door(self, request: Request) -> SamlDoor:
        door = self._doors.get(request.path_params["name"])
        if door is None:
            raise NotFoundError("there is no such identity provider")
        return door


async def _answer(request: Request) -> dict[str, str]:
    """The form that the provider had the browser post.  Raises `RequestError`."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LARGEST_ANSWER:
        raise RequestError("the answer of the identity provider is too large", status=413)
    try:
        body = await request.body()
        fields = parse_qsl(body.decode("ascii"), max_num_fields=10)
    except (ClientDisconnect, ValueError) as error:
        raise RequestError("the answer of the identity provider cannot be read") from error
    return _once(fields, _FIELDS)


def _once(fields: list[tuple[str, str]], wanted: frozenset[str]) -> dict[str, str]:
    """The wanted fields, none of which may be there twice.  Raises `RequestError`."""
    found = [(name, value) for name, value in fields if name in wanted]
    if len(dict(found)) != len(found):
        raise RequestError("the message of the identity provider says something twice")
    return dict(found)


def _kept(request: Request) -> tuple[str | None, str | None]:
    """The secret of this browser, and the session that it had when it was sent away."""
    value = request.cookies.get(BROWSER_COOKIE, "")
    secret, _, session = value.partition(".") if len(value) <= _LONGEST_COOKIE else ("", "", "")
    return secret or None, session or None
