"""What went wrong, told to a person: one design, the sentence of whoever refused, and what to do next.

Called by `bootstrap` for every error that leaves a page, and for addresses that lead nowhere.

Invariants:
- a page that may not be told of and one that is not there are the same page.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from pacsgate.admin.console.page import render
from pacsgate.model.errors import ConflictError, NotFoundError, PacsgateError, RequestError, TooSoonError


@dataclass(frozen=True, slots=True)
class _Telling:
    title: str
    advice: str = ""


_NOT_FOUND = "There is nothing at this address, or nothing that you may see."
_TELLINGS = {
    400: _Telling("That was not understood", "Go back, look at what was sent, and send it again."),
    401: _Telling("Sign in again", "This needs a session that is newer or stronger than yours."),
    403: _Telling("You may not do this", "Whoever owns your role can say why, or ask for what is missing."),
    404: _Telling("Nothing here", "If you expected something, ask whoever sent you the address."),
    409: _Telling("That is already so, or decided elsewhere"),
    413: _Telling("That is too much at once"),
    429: _Telling("Too many attempts", "Wait a moment, then try again."),
    503: _Telling("Not now", "Nothing was done. Try again in a minute; if it stays so, tell the operator."),
}
_OTHERWISE = _Telling("That did not work")


Render = Callable[..., Response]
"""`render`, or that of a visitor, whose pages have a navigation."""


def page_error(raised: PacsgateError, show: Render = render) -> Response:
    """A page for one of our errors."""
    response = _page(status_of(raised), raised.public, show)
    if isinstance(raised, TooSoonError):
        response.headers["Retry-After"] = str(raised.retry_after_seconds)
    return response


def no_page(status: int) -> Response:
    """A page for an address or a method that leads nowhere."""
    return _page(status, _NOT_FOUND, render)


def nothing_here(show: Render) -> Response:
    """What somebody who is signed in is told of a thing that is hidden or does not exist."""
    return _page(404, _NOT_FOUND, show)


def status_of(raised: PacsgateError) -> int:
    """The status of the page that tells of an error."""
    if isinstance(raised, RequestError):
        return raised.status
    if isinstance(raised, ConflictError):
        return 409
    return 404 if isinstance(raised, NotFoundError) else 503


def _page(status: int, problem: str, show: Render) -> Response:
    telling = _TELLINGS.get(status, _OTHERWISE)
    return show("problem.html", status=status, title=telling.title, problem=problem, advice=telling.advice)
