"""The cookie that a browser holds of its session.

Called by whatever begins a session for a browser, and by signing out.

Standard: RFC 6265bis section 4.1.3.2 (`__Host-`); OWASP ASVS 5.0 3.3.
"""

from datetime import datetime

from starlette.responses import Response

from pacsgate.admin.console.forms import local_path
from pacsgate.admin.console.page import see_other
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.ports import StartedSession


def entered(started: StartedSession, return_to: str, now: datetime) -> Response:
    """Send a browser on to where it wanted to go, with the cookie of its new session."""
    response = see_other(local_path(return_to))
    set_session_cookie(response, started, now)
    return response


def set_session_cookie(response: Response, started: StartedSession, now: datetime) -> None:
    """Give a browser the cookie of the session that has just begun."""
    response.set_cookie(
        COOKIE_NAME,
        started.cookie,
        max_age=max(int((started.expires_at - now).total_seconds()), 0),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(response: Response) -> None:
    """Tell a browser to forget it."""
    response.delete_cookie(COOKIE_NAME, path="/", secure=True, httponly=True, samesite="lax")
