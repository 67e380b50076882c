"""Signing in with a certificate: the browser has shown it already, and says so by a button.

The browser shows its certificate with every request, whichever page made it, so a session begins only when
somebody presses the button here.

Called by `bootstrap`, which mounts these routes beside the other pages.

Invariants:
- a session is begun by a form of this site, for the certificate of that very request;
- it keeps by which number revocation lists would name the certificate, and ends when they do.

Standard: OWASP ASVS 5.0 3.5.1 (forms), 6.3.8 (no enumeration).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.forms import local_path, read_form
from pacsgate.admin.console.page import render
from pacsgate.admin.console.session_cookie import entered
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.identity.certificates.certificate_numbers import number_in
from pacsgate.identity.credentials import CertificateCredential, UnreadableCredential
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.context import Context
from pacsgate.ports import AuthenticationFailed, StartedSession
from pacsgate.services.sign_in import SignIn

SIGN_IN_PATH = "/sign-in/certificate"
_NONE_SHOWN = (
    "Your browser has shown no certificate. Put in your card, close the browser, open it again, "
    "and choose the certificate when it asks."
)
_REFUSED = (
    "This certificate is not accepted, or no account goes with it. Your administrator finds the reason "
    "in the trail."
)


@dataclass(frozen=True, slots=True)
class CertificatePages:
    """What these pages work with."""

    visitors: Visitors
    certificate_of: Callable[[Request], CertificateCredential | UnreadableCredential | None]
    """The certificate of a request, shown to the gate or to a trusted proxy."""
    sign_in: SignIn


def certificate_routes(parts: CertificatePages) -> list[Route]:
    """The routes of sign-in with a certificate."""
    pages = _Pages(parts)
    return [
        Route(SIGN_IN_PATH, pages.ask, methods=["GET"]),
        Route(SIGN_IN_PATH, pages.sign_in, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, parts: CertificatePages) -> None:
        self._parts = parts

    async def ask(self, request: Request) -> Response:
        """Offer to sign in."""
        if self._parts.certificate_of(request) is None:
            return _refused(_NONE_SHOWN)
        return_to = local_path(request.query_params.get("return_to", "/"))
        return render("sign_in_with_certificate.html", action=SIGN_IN_PATH, return_to=return_to)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session for the holder."""
        form = await read_form(request)
        context = self._parts.visitors.contexts(request)
        shown = self._parts.certificate_of(request)
        if shown is None:
            return _refused(_NONE_SHOWN)
        begin = partial(
            self._begin,
            shown,
            context,
            request.cookies.get(COOKIE_NAME),
            request.headers.get("user-agent", ""),
        )
        started = await anyio.to_thread.run_sync(begin)
        if started is None:
            return _refused(_REFUSED)
        return entered(started, form["return_to"], context.now)

    def _begin(
        self,
        shown: CertificateCredential | UnreadableCredential,
        context: Context,
        previous_cookie: str | None,
        user_agent: str,
    ) -> StartedSession | None:
        subject = self._parts.visitors.authenticator.sign_in(shown, context)
        if isinstance(subject, AuthenticationFailed) or not isinstance(shown, CertificateCredential):
            return None
        return self._parts.sign_in.begin(
            subject,
            context,
            previous_cookie=previous_cookie,
            source_session=number_in(shown.certificate),
            user_agent=user_agent,
        )


def _refused(problem: str) -> Response:
    return render("problem.html", status=403, title="You are not signed in", problem=problem, advice="")
