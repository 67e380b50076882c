"""A browser signs in, and out.

Called by the sign-in page; calls the password door, which records failures and
successes, and the session store.

Invariants:
- a sign-in begins a new session and ends the one whose cookie came with it.

Standard: OWASP ASVS 5.0 7.2.4, 7.4.1; PS3.15 A.5.3.12 (User Authentication).
"""

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.context import Context
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, PasswordDoor, Sessions, StartedSession, Trail


class SignIn:
    """Begins and ends browser sessions."""

    def __init__(self, door: PasswordDoor, sessions: Sessions, trail: Trail) -> None:
        self._door = door
        self._sessions = sessions
        self._trail = trail

    def sign_in(
        self, name: str, password: str, context: Context, previous_cookie: str | None = None
    ) -> StartedSession | AuthenticationFailed:
        """Verify a name and password and begin a session."""
        found = self._door.sign_in(name, password, context)
        if isinstance(found, AuthenticationFailed):
            return found
        if previous_cookie is not None:
            self._sessions.end(previous_cookie)
        return self._sessions.begin(found, context.now)

    def sign_out(self, subject: Subject, cookie: str, context: Context) -> None:
        """End the session that the subject of this request came with."""
        self._sessions.end(cookie)
        actor = Actor(
            name=subject.name,
            verified=True,
            credential=Credential.SESSION.value,
            credential_id=subject.credential_id,
            address=context.client_address,
        )
        self._trail.record(
            AuditEvent(
                EventKind.SIGN_OUT, context.now, actor, tenant=subject.tenant, request_id=context.request_id
            )
        )
