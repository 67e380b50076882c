"""The pages where somebody proves who they are once more, and the passkey that signs in by itself.

`/second-factor` comes after a password, `/step-up` before what needs a fresh proof; both take whatever
the account has.  Who has no second factor proves the password again, where that is enough.

Called by `bootstrap`, which adds the routes.

Invariants:
- every proof makes a new session in place of the old one; its cookie is worth nothing afterwards;
- a failed proof looks the same whatever was wrong with it.

Standard: OWASP ASVS 5.0 6.3.3, 7.2.4, 7.5.3; Web Authentication Level 3.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pacsgate.admin.console.failed_sign_in import status_of, too_often, with_wait
from pacsgate.admin.console.forms import Form, local_path, read_form
from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.session_cookie import entered
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.subject import Subject
from pacsgate.model.tenant_names import sign_in_name
from pacsgate.ports import AuthenticationFailed, PasswordDoor
from pacsgate.ports.factor_proofs import Site
from pacsgate.ports.factors import FactorKind
from pacsgate.services.prove_factor import ProveFactor
from pacsgate.services.sign_in import SignIn

Outcome = Subject | AuthenticationFailed

_HARDWARE = "3"


@dataclass(frozen=True, slots=True)
class ProofPages:
    """What these pages work with."""

    visitors: Visitors
    prove: ProveFactor
    sign_in: SignIn
    passwords: PasswordDoor
    site: Callable[[Request], Site]


def proof_routes(pages: ProofPages) -> list[Route]:
    """The routes of these pages."""
    made = _Pages(pages)
    anybody = partial(pages.visitors.only, also_owing=True)
    return [
        Route("/second-factor", anybody(made.second_factor), methods=["GET"]),
        Route("/second-factor", anybody(made.proof), methods=["POST"]),
        Route("/step-up", anybody(made.step_up), methods=["GET"]),
        Route("/step-up", anybody(made.proof), methods=["POST"]),
        Route("/sign-in/passkey", made.passkey_question, methods=["GET"]),
        Route("/sign-in/passkey", made.passkey_sign_in, methods=["POST"]),
    ]


class _Pages:
    def __init__(self, pages: ProofPages) -> None:
        self._pages = pages

    async def second_factor(self, visitor: Visitor) -> Response:
        """Ask for the second factor, unless nothing is owed."""
        owes = await anyio.to_thread.run_sync(self._pages.visitors.owes, visitor.subject, visitor.context)
        if not owes:
            return see_other(local_path(visitor.request.query_params.get("return_to", "/")))
        return await self._asking(visitor, Form(()))

    async def step_up(self, visitor: Visitor) -> Response:
        """Ask for a fresh proof."""
        return await self._asking(visitor, Form(()))

    async def proof(self, visitor: Visitor) -> Response:
        """Check it, and begin a new session in place of the old one."""
        form = await visitor.form()
        outcome = await anyio.to_thread.run_sync(self._check, visitor, form)
        if isinstance(outcome, AuthenticationFailed):
            return await self._asking(visitor, form, outcome)
        begin = partial(
            self._pages.sign_in.begin,
            outcome,
            visitor.context,
            previous_cookie=visitor.cookie,
            user_agent=visitor.request.headers.get("user-agent", ""),
        )
        started = await anyio.to_thread.run_sync(begin)
        return entered(started, form["return_to"], visitor.now)

    async def passkey_question(self, request: Request) -> Response:
        """What a script asks the browser before anybody is named."""
        context = self._pages.visitors.contexts(request)
        ask = partial(self._pages.prove.ask_passkey, None, self._pages.site(request), context)
        asked = await anyio.to_thread.run_sync(ask)
        answer = {"number": asked.number, "options": json.loads(asked.options)}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def passkey_sign_in(self, request: Request) -> Response:
        """Sign in by a passkey alone."""
        form = await read_form(request)
        context = self._pages.visitors.contexts(request)
        check = partial(
            self._pages.prove.by_passkey,
            None,
            self._pages.site(request),
            form["number"],
            form["answer"],
            context,
        )
        outcome = await anyio.to_thread.run_sync(check)
        if isinstance(outcome, AuthenticationFailed):
            return see_other("/sign-in?said=passkey")
        begin = partial(
            self._pages.sign_in.begin,
            outcome,
            context,
            previous_cookie=request.cookies.get(COOKIE_NAME),
            user_agent=request.headers.get("user-agent", ""),
        )
        started = await anyio.to_thread.run_sync(begin)
        return entered(started, form["return_to"], context.now)

    def _check(self, visitor: Visitor, form: Form) -> Outcome:
        prove, subject, context = self._pages.prove, visitor.subject, visitor.context
        if form["answer"]:
            site = self._pages.site(visitor.request)
            return prove.by_passkey(subject, site, form["number"], form["answer"], context)
        if form["code"] or prove.kinds(subject):
            return prove.by_code(subject, form["code"], context)
        found = self._pages.passwords.sign_in(
            sign_in_name(subject.tenant, subject.name), form["password"], context
        )
        if isinstance(found, AuthenticationFailed):
            return found
        return replace(subject, authenticated_at=context.now, methods=subject.methods | found.methods)

    async def _asking(
        self, visitor: Visitor, form: Form, failed: AuthenticationFailed | None = None
    ) -> Response:
        query = visitor.request.query_params
        kinds = await anyio.to_thread.run_sync(self._pages.prove.kinds, visitor.subject)
        asked = None
        if FactorKind.PASSKEY in kinds:
            site = self._pages.site(visitor.request)
            ask = partial(self._pages.prove.ask_passkey, visitor.subject, site, visitor.context)
            asked = await anyio.to_thread.run_sync(ask)
        wants_key = query.get("level", form["level"]) == _HARDWARE
        response = visitor.render(
            "second_factor.html",
            status=200 if failed is None else status_of(failed),
            path=visitor.request.url.path,
            return_to=local_path(query.get("return_to", form["return_to"]) or "/"),
            level=_HARDWARE if wants_key else "",
            asked=asked,
            has_code=not wants_key and bool(kinds & {FactorKind.TOTP, FactorKind.RECOVERY_CODE}),
            has_none=not kinds,
            owes=visitor.request.url.path == "/second-factor",
            has_password=not visitor.subject.source,
            problem=None if failed is None else _problem(failed),
        )
        return response if failed is None else with_wait(response, failed)


def _problem(failed: AuthenticationFailed) -> str:
    return {
        401: "That was not right. Codes work once; wait for the next one.",
        429: too_often(failed),
        503: "Codes of apps cannot be checked now. Use a recovery code, and tell the operator.",
    }[status_of(failed)]
