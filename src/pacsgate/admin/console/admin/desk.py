"""How a page of administration is made: a permission, what it shows, and what its forms do.

A page is a function of a visitor and a mandate.  A form ends in another page, by its path; when what was
asked is refused, the page that it stands on is shown again with the reason.

Called by the modules of pages.

Invariants:
- nothing is looked up or changed before the permission is demanded;
- a form changes nothing unless a page of this very session sent it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import anyio
from starlette.responses import Response

from pacsgate.admin.console.forms import Form
from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.problem_pages import status_of
from pacsgate.admin.console.signed_in import Endpoint, Visitor, Visitors
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.services.managed import Managed
from pacsgate.services.mandates import Mandate

DONE = {
    "added": "Added.",
    "changed": "Changed, from the next request on.",
    "removed": "Removed.",
    "assigned": "Role assigned.",
    "unassigned": "Role taken away.",
    "locked": "Locked. What was open ends within two seconds.",
    "unlocked": "Unlocked.",
    "ended": "Ended.",
    "revoked": "Revoked.",
    "granted": "Granted.",
}
"""What is said after something was done, by the word that its page is asked for with."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One page for one visitor with one mandate."""

    visitor: Visitor
    mandate: Mandate
    held: frozenset[Permission]
    """What the visitor may do besides, here and now."""
    problem: str = ""
    """Why what was asked just now was refused."""

    def __getitem__(self, name: str) -> str:
        """A part of the page's path."""
        return str(self.visitor.request.path_params[name])

    def asked(self, name: str) -> str:
        """A parameter of the page's address; `""` where there is none."""
        return self.visitor.request.query_params.get(name, "").strip()

    def may(self, permission: Permission) -> bool:
        """Whether the visitor holds another permission."""
        return permission in self.held

    def render(self, template: str, **values: Any) -> Response:
        """The page."""
        return self.visitor.render(
            f"admin/{template}", turn=self, done=DONE.get(self.asked("done"), ""), **values
        )


Show = Callable[[Turn], Response]
Act = Callable[[Turn, Form], "str | Response"]
"""Does what a form asks for; returns the path to go on to, or a page that is shown once."""


@dataclass(frozen=True, slots=True)
class AdminDesk:
    """What pages of administration work with."""

    visitors: Visitors
    managed: Managed

    def page(self, permission: Permission, show: Show) -> Endpoint:
        """An endpoint that shows a page to who holds the permission."""

        async def page(visitor: Visitor) -> Response:
            return await anyio.to_thread.run_sync(lambda: show(self.turn(visitor, permission)))

        return self.visitors.only(page)

    def form(self, permission: Permission, act: Act, standing_on: tuple[Permission, Show]) -> Endpoint:
        """An endpoint that does what a form asks for, for who holds the permission."""

        async def page(visitor: Visitor) -> Response:
            form = await visitor.form()
            return await anyio.to_thread.run_sync(
                lambda: self._done(visitor, permission, act, form, standing_on)
            )

        return self.visitors.only(page)

    def turn(self, visitor: Visitor, permission: Permission, problem: str = "") -> Turn:
        """The mandate of a visitor.  Raises `RequestError` (403)."""
        caller = visitor.caller
        mandates = self.managed.mandates
        return Turn(visitor, mandates.need(caller, permission), mandates.held(caller), problem)

    def _done(
        self,
        visitor: Visitor,
        permission: Permission,
        act: Act,
        form: Form,
        standing_on: tuple[Permission, Show],
    ) -> Response:
        turn = self.turn(visitor, permission)
        try:
            ended = act(turn, form)
        except (RequestError, ConflictError, NotFoundError) as refused:
            to_see, show = standing_on
            response = show(self.turn(visitor, to_see, refused.public))
            response.status_code = status_of(refused)
            return response
        return see_other(ended) if isinstance(ended, str) else ended


def next_page(path: str, asked: Mapping[str, str], cursor: str | None) -> str:
    """The address of the rows that follow; `""` where there are none."""
    said = {name: text for name, text in asked.items() if text}
    return "" if cursor is None else f"{path}?{urlencode({**said, 'cursor': cursor})}"


def instant(form: Form, name: str) -> datetime | None:
    """A date and time of a form, in UTC; `None` where it is left empty.  Raises `RequestError`."""
    text = form[name].strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise RequestError(f"`{name}` is no date and time: write it like 2027-01-31T18:00") from None


def words_of(text: str) -> frozenset[str]:
    """The names of a field that holds several, one on each line or between commas."""
    return frozenset(word.strip() for word in text.replace(",", "\n").splitlines() if word.strip())
