"""Browser sessions, kept on the server: the cookie is a random number and says nothing.

A session ends when it is idle for as long as its limits say (a quarter of an hour unless configured),
when its time is over (twelve hours), when its owner or an administrator ends it, when its owner begins
too many others, and when its user is disabled, locked or gets a new password.  A new one begins at
every sign-in, so that a cookie planted before it is worth nothing after it; proving a second factor
replaces it too, and prolongs nothing.

Called by `pacsgate.services.sign_in` through `ports.Sessions`, by the doors for
the names below; verified by `pacsgate.identity.session_door`.

Invariants:
- a session holds what was proven when it began, and never more than that.

Standard: OWASP ASVS 5.0 7.1.2, 7.2.3, 7.2.4, 7.3.1, 7.3.2; RFC 6265bis section 4.1.3.2 (`__Host-`).
"""

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime

from pacsgate.model.resource import TenantScope
from pacsgate.model.session_limits import SessionLimits
from pacsgate.model.subject import Subject
from pacsgate.ports import Directory, SessionRecord, StartedSession, session_public_id
from pacsgate.ports.identity import SessionOrigin

COOKIE_NAME = "__Host-pacsgate"
"""Browsers take a cookie of this prefix only with Secure, Path=/ and no Domain."""

_COOKIE_BYTES = 32
_CSRF_BYTES = 32
_LONGEST_AGENT = 200


def cookie_digest(cookie: str) -> bytes:
    """What is kept of a cookie: the SHA-256 of its value."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()


def sweep(directory: Directory, scope: TenantScope, now: datetime) -> None:
    """Forget sessions that time has ended."""
    directory.forget_sessions(scope, now=now)


class ServerSessions:
    """Begins and ends sessions in the directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def begin(
        self, subject: Subject, at: datetime, *, origin: SessionOrigin, limits: SessionLimits
    ) -> StartedSession:
        """Begin a session for a subject whose credential has just been verified; the oldest make room."""
        scope = TenantScope(subject.tenant)
        held = [one for one in self._directory.sessions(scope, user=subject.name) if one.is_going_on(at)]
        too_many = held[: max(0, len(held) - limits.at_most + 1)]
        for oldest in too_many:
            self._directory.end_session(scope, oldest.cookie_sha256)
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        record = SessionRecord(
            cookie_sha256=cookie_digest(cookie),
            user=subject.name,
            created_at=at,
            last_seen_at=at,
            expires_at=at + limits.absolute,
            csrf_token=secrets.token_urlsafe(_CSRF_BYTES),
            authenticated_at=subject.authenticated_at or at,
            methods=subject.methods,
            assurance_level=subject.assurance_level,
            second_factor_at=subject.second_factor_at,
            source=subject.source,
            source_session=origin.source_session,
            client_address=origin.client_address,
            user_agent=_printable(origin.user_agent),
            idle_seconds=int(limits.idle.total_seconds()),
        )
        self._directory.add_session(scope, record)
        self._directory.note_sign_in(scope, subject.name, at)
        return _started(subject, cookie, record, len(too_many))

    def strengthen(
        self, subject: Subject, at: datetime, *, cookie: str, origin: SessionOrigin
    ) -> StartedSession | None:
        """A new session in place of the subject's own; it ends when that one would have."""
        found = self._directory.session(cookie_digest(cookie))
        if found is None:
            return None
        tenant, before = found
        proven = (subject.tenant, subject.name, subject.credential_id)
        if (tenant, before.user, session_public_id(before)) != proven:
            return None
        renewed = secrets.token_urlsafe(_COOKIE_BYTES)
        record = replace(
            before,
            cookie_sha256=cookie_digest(renewed),
            last_seen_at=at,
            csrf_token=secrets.token_urlsafe(_CSRF_BYTES),
            authenticated_at=subject.authenticated_at or before.authenticated_at,
            methods=before.methods | subject.methods,
            assurance_level=subject.assurance_level,
            second_factor_at=subject.second_factor_at,
            client_address=origin.client_address,
            user_agent=_printable(origin.user_agent),
        )
        kept = self._directory.replace_session(TenantScope(tenant), before.cookie_sha256, record)
        return _started(subject, renewed, record) if kept else None

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


def _started(subject: Subject, cookie: str, record: SessionRecord, ended: int = 0) -> StartedSession:
    return StartedSession(subject, cookie, record.csrf_token, record.expires_at, ended)


def _printable(agent: str) -> str:
    return "".join(letter for letter in agent if letter.isprintable())[:_LONGEST_AGENT]
