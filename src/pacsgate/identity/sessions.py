"""Browser sessions, kept on the server: the cookie is a random number and says nothing.

A session ends when it is idle for a quarter of an hour, twelve hours after it
began, when its owner signs out, and when its user is disabled or gets a new
password.  A new one begins at every sign-in, so that a cookie planted before it
is worth nothing after it.

Called by `pacsgate.services.sign_in` through `ports.Sessions`, by the doors for
the names below; verified by `pacsgate.identity.session_door`.

Standard: OWASP ASVS 5.0 7.2.3, 7.2.4, 7.3.1, 7.3.2; RFC 6265bis section 4.1.3.2 (`__Host-`).
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports import Directory, SessionRecord, StartedSession

COOKIE_NAME = "__Host-pacsgate"
"""Browsers take a cookie of this prefix only with Secure, Path=/ and no Domain."""
IDLE_LIMIT = timedelta(minutes=15)
ABSOLUTE_LIMIT = timedelta(hours=12)

_COOKIE_BYTES = 32
_CSRF_BYTES = 32


def cookie_digest(cookie: str) -> bytes:
    """What is kept of a cookie: the SHA-256 of its value."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()


def sweep(directory: Directory, scope: TenantScope, now: datetime) -> None:
    """Forget sessions that time has ended; a little later, since their last use is noted a little late."""
    directory.forget_sessions(scope, idle_since=now - 2 * IDLE_LIMIT, now=now)


class ServerSessions:
    """Begins and ends sessions in the directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def begin(self, subject: Subject, at: datetime) -> StartedSession:
        """Begin a session for a subject whose credential has just been verified."""
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        record = SessionRecord(
            cookie_sha256=cookie_digest(cookie),
            user=subject.name,
            created_at=at,
            last_seen_at=at,
            expires_at=at + ABSOLUTE_LIMIT,
            csrf_token=secrets.token_urlsafe(_CSRF_BYTES),
        )
        self._directory.add_session(TenantScope(subject.tenant), record)
        return StartedSession(subject, cookie, record.csrf_token, record.expires_at)

    def end(self, cookie: str) -> str | None:
        """End a session, if there is one, and return the name of its user."""
        found = self._directory.session(cookie_digest(cookie))
        if found is None:
            return None
        tenant, record = found
        self._directory.end_session(TenantScope(tenant), record.cookie_sha256)
        return record.user

    def csrf_token(self, cookie: str) -> str | None:
        """The token that a form of this session must send back."""
        found = self._directory.session(cookie_digest(cookie))
        return None if found is None else found[1].csrf_token

    def is_own_form(self, cookie: str, csrf_token: str) -> bool:
        """Whether a form was made by a page of this very session."""
        expected = self.csrf_token(cookie)
        return expected is not None and hmac.compare_digest(
            expected.encode("ascii"), csrf_token.encode("utf-8", "surrogatepass")
        )
