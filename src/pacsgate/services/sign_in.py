"""A browser signs in, proves more, and signs out.

Whatever somebody signed in with (password, passkey, OpenID Connect, SAML, certificate) ends here, in
one kind of session.  Whoever verified it has recorded it; here the session begins and others end.

Called by the pages of sign-in; calls the password door, which records failures and
successes, and the session store.

Invariants:
- a sign-in begins a new session and ends the one whose cookie came with it;
- proving a second factor changes the cookie and never prolongs the session;
- a session is held to the strictest limits of its user's roles.

Standard: OWASP ASVS 5.0 7.2.4, 7.4.1; PS3.15 A.5.3.12 (User Authentication).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.context import Context
from pacsgate.model.errors import RequestError
from pacsgate.model.session_limits import EMERGENCY_ABSOLUTE, SessionRules
from pacsgate.model.subject import EMERGENCY, Credential, Subject
from pacsgate.ports import AuthenticationFailed, PasswordDoor, Sessions, StartedSession, Trail
from pacsgate.ports.identity import SessionOrigin

RolesOf = Callable[[Subject, Context], frozenset[str]]
"""The roles in effect, whoever gave them."""


class SignIn:
    """Begins and ends browser sessions."""

    def __init__(
        self, door: PasswordDoor, sessions: Sessions, trail: Trail, rules: SessionRules, roles: RolesOf
    ) -> None:
        self._door = door
        self._sessions = sessions
        self._trail = trail
        self._rules = rules
        self._roles = roles

    def sign_in(
        self,
        name: str,
        password: str,
        context: Context,
        previous_cookie: str | None = None,
        *,
        user_agent: str = "",
    ) -> StartedSession | AuthenticationFailed:
        """Verify a name and password and begin a session."""
        found = self._door.sign_in(name, password, context)
        if isinstance(found, AuthenticationFailed):
            return found
        return self.begin(found, context, previous_cookie=previous_cookie, user_agent=user_agent)

    def begin(
        self,
        subject: Subject,
        context: Context,
        *,
        previous_cookie: str | None,
        source_session: str | None = None,
        ends_at: datetime | None = None,
        user_agent: str = "",
    ) -> StartedSession:
        """Begin a session for a subject that has just been verified and recorded; it ends by `ends_at`.

        For a subject of a session, which has proven more, the session that the cookie is of is replaced
        and ends when it would have.  Raises `RequestError` when it has ended meanwhile.
        """
        origin = SessionOrigin(context.client_address, user_agent, source_session)
        if subject.credential is Credential.SESSION:
            renewed = self._sessions.strengthen(
                subject, context.now, cookie=previous_cookie or "", origin=origin
            )
            if renewed is None:
                raise RequestError("your session has ended; sign in again", status=401)
            return renewed
        if previous_cookie is not None:
            self._sessions.end(previous_cookie)
        limits = self._rules.limits_of(self._roles(subject, context))
        if subject.source == EMERGENCY:
            limits = replace(limits, absolute=min(limits.absolute, EMERGENCY_ABSOLUTE))
        if ends_at is not None:
            limits = replace(limits, absolute=min(limits.absolute, ends_at - context.now))
        started = self._sessions.begin(subject, context.now, origin=origin, limits=limits)
        if started.others_ended:
            self._record_ended(subject, context, cause="too many sessions", ended=str(started.others_ended))
        return started

    def sign_out(self, subject: Subject, cookie: str, context: Context) -> None:
        """End the session that the subject of this request came with."""
        self._sessions.end(cookie)
        self._record_ended(subject, context)

    def _record_ended(self, subject: Subject, context: Context, **details: str) -> None:
        actor = Actor(
            name=subject.name,
            verified=True,
            credential=Credential.SESSION.value,
            credential_id=subject.credential_id,
            address=context.client_address,
        )
        self._trail.record(
            AuditEvent(
                EventKind.SIGN_OUT,
                context.now,
                actor,
                tenant=subject.tenant,
                request_id=context.request_id,
                details=details,
            )
        )
