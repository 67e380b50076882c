"""From a credential to the one verified subject that stands for whoever presented it.

Every door of the gate comes here, so that all of them count the same failures,
obey the same locks and write the same record.  `recall` answers from memory in
microseconds and may be called on an event loop; `authenticate` may read the
directory, hash a password and wait for the trail, and belongs into a thread.

Called by the gateways; built by `bootstrap`.

Invariants:
- the epochs are read before anything that is remembered under it;
- a presented credential that is not accepted is on record before it is answered.

Standard: OWASP ASVS 5.0 6.3.4 (all pathways equally strong).
"""

from datetime import datetime
from typing import assert_never

from pacsgate.identity.credentials import (
    Credentials,
    PasswordCredential,
    SessionCredential,
    TokenCredential,
    UnreadableCredential,
)
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.password_checks import PasswordChecks
from pacsgate.identity.password_door import LocalPasswordDoor
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.session_door import SessionDoor
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.token_door import TokenDoor
from pacsgate.model.context import Context
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed, Clock, Directory, EpochStore, FailureKind, Trail

_NO_CREDENTIAL = AuthenticationFailed(FailureKind.NO_CREDENTIAL)


class Authenticator:
    """Verifies credentials against the directory."""

    def __init__(
        self,
        *,
        directory: Directory,
        epochs: EpochStore,
        trail: Trail,
        clock: Clock,
        passwords: Argon2Passwords,
        last_recorded: datetime,
    ) -> None:
        self._epochs = epochs
        self._record = SignInRecord(trail)
        latest = LatestTime(last_recorded)
        self.token_door = TokenDoor(directory=directory, clock=clock, latest=latest)
        self._sessions = SessionDoor(directory=directory, clock=clock, latest=latest)
        self.password_door = LocalPasswordDoor(
            directory=directory,
            clock=clock,
            checks=PasswordChecks(passwords),
            record=self._record,
            latest=latest,
        )

    def recall(self, credentials: Credentials, context: Context) -> Subject | None:
        """The subject, if this process verified the credential a moment ago and nothing has changed since.

        `None` says nothing about the credential: ask `authenticate`.
        """
        epochs = self._epochs.current()
        match credentials:
            case TokenCredential(token):
                return self.token_door.recall(token, epochs.users, context)
            case SessionCredential(cookie):
                return self._sessions.recall(cookie, epochs.users, context)
            case PasswordCredential(name, password):
                return self.password_door.recall(name, password, epochs)
            case UnreadableCredential():
                return None
            case _:
                assert_never(credentials)

    def authenticate(
        self, credentials: Credentials | None, context: Context
    ) -> Subject | AuthenticationFailed:
        """Verify a credential."""
        if credentials is None:
            return _NO_CREDENTIAL
        remembered = self.recall(credentials, context)
        if remembered is not None:
            return remembered
        epochs = self._epochs.current()
        match credentials:
            case TokenCredential(token):
                return self._recorded(self.token_door.authenticate(token, epochs.users, context), context)
            case SessionCredential(cookie):
                return self._recorded(self._sessions.authenticate(cookie, epochs.users, context), context)
            case PasswordCredential(name, password):
                return self.password_door.authenticate(name, password, epochs, context)
            case UnreadableCredential():
                return self._recorded(Refusal(Cause.UNREADABLE), context)
            case _:
                assert_never(credentials)

    def _recorded(self, found: Subject | Refusal, context: Context) -> Subject | AuthenticationFailed:
        if isinstance(found, Subject):
            return found
        self._record.refused(found, context)
        return found.failure
