"""My second factors: which there are, adding one, taking one away, codes on paper.

Adding and removing needs a fresh proof, so that an unlocked screen is not an account.  Whoever must have
a second factor and has none may come here with a password alone, and nowhere else.

Called by `bootstrap`, which adds the routes.

Invariants:
- a seed and recovery codes are shown once, in a page that nobody keeps;
- whoever owes the proof of a factor adds no other;
- adding a factor is no proof of another: nobody steps up by it.

Standard: OWASP ASVS 5.0 6.5, 7.5.1; RFC 6238; Web Authentication Level 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import anyio
import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.session_cookie import set_session_cookie
from pacsgate.admin.console.signed_in import Visitor, VisitorPage, Visitors
from pacsgate.model.errors import RequestError
from pacsgate.ports.factor_proofs import Site
from pacsgate.ports.factors import FactorKind, FactorRecord
from pacsgate.services.enrol_factor import AppOffer, EnrolFactor, Enrolled
from pacsgate.services.proofs import Proofs
from pacsgate.services.prove_factor import CODE_METHODS, Asked, proven
from pacsgate.services.sign_in import SignIn

HOME = "/security/factors"
_CHANGED = f"{HOME}?said=changed"
"""Where other sessions can be ended, after a change."""
_KEY_METHODS = frozenset({"hwk", "mfa"})
_BOTH_FACTORS = 2


@dataclass(frozen=True, slots=True)
class FactorPages:
    """What these pages work with."""

    visitors: Visitors
    enrol: Callable[[], EnrolFactor]
    proofs: Proofs
    sign_in: SignIn
    site: Callable[[Request], Site]


def factor_routes(pages: FactorPages) -> list[Route]:
    """The routes of these pages."""
    made = _Pages(pages)

    def only(page: VisitorPage) -> Callable[[Request], object]:
        return pages.visitors.only(page, also_owing=True)

    return [
        Route(HOME, only(made.mine), methods=["GET"]),
        Route(f"{HOME}/app", only(made.offer_app), methods=["GET"]),
        Route(f"{HOME}/app", only(made.confirm_app), methods=["POST"]),
        Route(f"{HOME}/passkey", only(made.offer_passkey), methods=["GET"]),
        Route(f"{HOME}/passkey", only(made.confirm_passkey), methods=["POST"]),
        Route(f"{HOME}/recovery-codes", only(made.recovery_codes), methods=["POST"]),
        Route(f"{HOME}/remove", only(made.remove), methods=["POST"]),
    ]


class _Pages:
    def __init__(self, pages: FactorPages) -> None:
        self._pages = pages

    async def mine(self, visitor: Visitor) -> Response:
        """The factors of whoever looks."""
        if visitor.subject.owes_factor:
            return see_other(f"/second-factor?return_to={HOME}")
        held = await anyio.to_thread.run_sync(self._held, visitor)
        factors = [each for each in held if each.kind is not FactorKind.RECOVERY_CODE]
        return visitor.render(
            "factors.html",
            factors=factors,
            codes_left=len(held) - len(factors),
            kinds=_KINDS,
            has_changed="said" in visitor.request.query_params,
        )

    async def offer_app(self, visitor: Visitor) -> Response:
        """Show a new seed."""
        enrol = await self._ready(visitor)
        offer = partial(enrol.offer_app, visitor.caller.change(), visitor.subject.name)
        return _app_page(visitor, await anyio.to_thread.run_sync(offer))

    async def confirm_app(self, visitor: Visitor) -> Response:
        """Keep it, once the app has shown a code of it."""
        form = await visitor.form()
        enrol = await self._ready(visitor)
        confirm = partial(
            enrol.confirm_app,
            visitor.caller.change(),
            visitor.subject.name,
            form["number"],
            form["code"],
            form["label"],
        )
        found = await anyio.to_thread.run_sync(confirm)
        if isinstance(found, AppOffer):
            return _app_page(visitor, found, problem="That code does not fit. Wait for the next one.")
        return await self._added(visitor, found, CODE_METHODS)

    async def offer_passkey(self, visitor: Visitor) -> Response:
        """Let the browser make a credential."""
        enrol = await self._ready(visitor)
        site = self._pages.site(visitor.request)
        offer = partial(enrol.offer_passkey, visitor.caller.change(), visitor.subject.name, site)
        asked: Asked = await anyio.to_thread.run_sync(offer)
        return visitor.render("factor_passkey.html", asked=asked)

    async def confirm_passkey(self, visitor: Visitor) -> Response:
        """Keep the credential."""
        form = await visitor.form()
        enrol = await self._ready(visitor)
        confirm = partial(
            enrol.confirm_passkey,
            visitor.caller.change(),
            visitor.subject.name,
            self._pages.site(visitor.request),
            form["number"],
            form["answer"],
            form["label"],
            source=visitor.subject.source,
        )
        return await self._added(visitor, await anyio.to_thread.run_sync(confirm), _KEY_METHODS)

    async def recovery_codes(self, visitor: Visitor) -> Response:
        """New codes in place of the old ones."""
        await visitor.form()
        enrol = await self._ready(visitor)
        renew = partial(enrol.new_recovery_codes, visitor.caller.change(), visitor.subject.name)
        return visitor.render("recovery_codes.html", codes=await anyio.to_thread.run_sync(renew))

    async def remove(self, visitor: Visitor) -> Response:
        """Take one away."""
        form = await visitor.form()
        enrol = await self._ready(visitor)
        remove = partial(enrol.remove, visitor.caller.change(), visitor.subject.name, form["factor"])
        await anyio.to_thread.run_sync(remove)
        return see_other(_CHANGED)

    # ---------------------------------------------------------------- what these have in common

    async def _ready(self, visitor: Visitor) -> EnrolFactor:
        """The use case, for somebody who has just proven who they are.  Raises `StepUpError`."""
        return await anyio.to_thread.run_sync(self._enrol, visitor)

    def _enrol(self, visitor: Visitor) -> EnrolFactor:
        if visitor.subject.owes_factor:
            raise RequestError("prove your second factor first", status=403)
        has_factor = any(each.kind is not FactorKind.RECOVERY_CODE for each in self._held(visitor))
        self._pages.proofs.need_fresh(visitor.subject, visitor.context, has_factor=has_factor)
        return self._pages.enrol()

    def _held(self, visitor: Visitor) -> tuple[FactorRecord, ...]:
        return self._pages.enrol().factors(visitor.caller.scope, visitor.subject.name)

    async def _added(self, visitor: Visitor, enrolled: Enrolled, methods: frozenset[str]) -> Response:
        """A new session, in which the first factor is proven.

        To add another proves nothing of those there are: what was proven, and when, stays.
        """
        subject = visitor.subject
        if subject.assurance_level < _BOTH_FACTORS:
            subject = proven(subject, _BOTH_FACTORS, methods, visitor.now)
        begin = partial(
            self._pages.sign_in.begin,
            subject,
            visitor.context,
            previous_cookie=visitor.cookie,
            user_agent=visitor.request.headers.get("user-agent", ""),
        )
        started = await anyio.to_thread.run_sync(begin)
        if enrolled.recovery_codes:
            renewed = replace(visitor, cookie=started.cookie, csrf_token=started.csrf_token)
            response = renewed.render("recovery_codes.html", codes=enrolled.recovery_codes)
        else:
            response = see_other(_CHANGED)
        set_session_cookie(response, started, visitor.now)
        return response


_KINDS = {FactorKind.TOTP: "Authenticator app", FactorKind.PASSKEY: "Passkey or security key"}


def _app_page(visitor: Visitor, offer: AppOffer, problem: str | None = None) -> Response:
    picture = segno.make(offer.uri, error="m").svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    return visitor.render(
        "factor_app.html",
        status=200 if problem is None else 400,
        offer=offer,
        picture=picture,
        problem=problem,
    )
