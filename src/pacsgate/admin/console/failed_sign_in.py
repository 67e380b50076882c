"""What somebody is told whose sign-in or proof has failed: a status, a sentence, and when to try again.

Called by the pages of signing in.

Invariants:
- what is told depends on the kind of failure alone, never on whose it was.

Standard: OWASP ASVS 5.0 6.3.8 (no enumeration); RFC 9110 10.2.3 (Retry-After).
"""

from starlette.responses import Response

from pacsgate.admin.console.page import render
from pacsgate.ports import AuthenticationFailed, FailureKind

_STATUS = {
    FailureKind.NO_CREDENTIAL: 401,
    FailureKind.REFUSED: 401,
    FailureKind.LOCKED_OUT: 429,
    FailureKind.BUSY: 429,
    FailureKind.UNAVAILABLE: 503,
}
_AT_A_SOURCE = {
    401: (
        "The identity provider did not vouch for you, or your account is not let in here. "
        "Sign in again; if it stays so, ask your administrator, who finds the reason in the trail."
    ),
    429: "Too many attempts from here. Wait a moment, then try again.",
    503: "The identity provider cannot be reached. Try again in a minute.",
}


def status_of(failed: AuthenticationFailed) -> int:
    """The status of a page that tells of it."""
    return _STATUS[failed.kind]


def too_often(failed: AuthenticationFailed) -> str:
    """The sentence for whoever must wait."""
    return f"Too many attempts. Try again in {failed.retry_after_seconds or 1} seconds."


def with_wait(response: Response, failed: AuthenticationFailed) -> Response:
    """The page, with the time to wait where there is one."""
    if status_of(failed) == 429:
        response.headers["Retry-After"] = str(failed.retry_after_seconds or 1)
    return response


def refused_by_source(failed: AuthenticationFailed) -> Response:
    """A page for somebody whom a source did not vouch for, or who is not let in."""
    status = status_of(failed)
    page = render(
        "problem.html",
        # Nothing that the browser could send along would be taken instead.
        status=403 if status == 401 else status,
        title="You are not signed in",
        problem=_AT_A_SOURCE[status],
        advice="",
    )
    return with_wait(page, failed)
