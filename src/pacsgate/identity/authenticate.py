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

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from pacsgate.identity.certificates.door import CertificateDoor
from pacsgate.identity.credentials import (
    AssertionCredential,
    CertificateCredential,
    Credentials,
    PasswordCredential,
    SessionCredential,
    TokenCredential,
    UnreadableCredential,
)
from pacsgate.identity.federation.bearer_door import BearerDoor
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.outside_passwords import OutsidePasswords
from pacsgate.identity.password_checks import PasswordChecks
from pacsgate.identity.password_door import LocalPasswordDoor
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.session_door import SessionDoor
from pacsgate.identity.shared_credentials import SharedCredentials
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import NO_SOURCES, RoleCeilings
from pacsgate.identity.token_door import TokenDoor
from pacsgate.model.context import Context
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Clock, Directory, EpochStore, FailureKind, Trail
from pacsgate.ports.sightings import Sightings

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
        ceilings: RoleCeilings = NO_SOURCES,
        outside: OutsidePasswords | None = None,
        certificates: CertificateDoor | None = None,
        bearers: BearerDoor | None = None,
        sightings: Sightings | None = None,
    ) -> None:
        self._certificates = certificates
        self._bearers = bearers
        self._epochs = epochs
        self._record = SignInRecord(trail)
        self._shared = (
            None if sightings is None else SharedCredentials(sightings, directory, self._record, clock)
        )
        latest = LatestTime(last_recorded)
        self.token_door = TokenDoor(directory=directory, clock=clock, latest=latest, ceilings=ceilings)
        self._sessions = SessionDoor(directory=directory, clock=clock, latest=latest, ceilings=ceilings)
        self.password_door = LocalPasswordDoor(
            directory=directory,
            clock=clock,
            checks=PasswordChecks(passwords),
            record=self._record,
            latest=latest,
            ceilings=ceilings,
            outside=outside,
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
                return self.password_door.recall(name, password, epochs, context)
            case AssertionCredential(text):
                bearers = self._bearers
                return None if bearers is None else bearers.recall(text, epochs.users, context)
            case CertificateCredential(certificate):
                door = self._certificates
                return None if door is None else door.recall(certificate, epochs.users, context)
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
        found = self._verified(credentials, context)
        if isinstance(found, Subject) and self._shared is not None and self._shared.note(found, context):
            return self._verified(credentials, context)
        return found

    def _verified(self, credentials: Credentials, context: Context) -> Subject | AuthenticationFailed:
        epochs = self._epochs.current()
        match credentials:
            case TokenCredential(token):
                return self._recorded(self.token_door.authenticate(token, epochs.users, context), context)
            case SessionCredential(cookie):
                return self._recorded(self._sessions.authenticate(cookie, epochs.users, context), context)
            case PasswordCredential(name, password):
                return self.password_door.authenticate(name, password, epochs, context)
            case AssertionCredential(text):
                return self._recorded(self._by_assertion(text, epochs.users, context), context)
            case CertificateCredential(certificate):
                return self._recorded(self._by_certificate(certificate, epochs.users, context), context)
            case UnreadableCredential():
                return self._recorded(Refusal(Cause.UNREADABLE), context)
            case _:
                assert_never(credentials)

    def _by_assertion(self, token: str, epoch: int, context: Context) -> Subject | Refusal:
        if self._bearers is None:
            return Refusal(Cause.UNKNOWN_ISSUER, Credential.ASSERTION)
        return self._bearers.authenticate(token, epoch, context)

    def sign_in(
        self, credentials: CertificateCredential | UnreadableCredential, context: Context
    ) -> Subject | AuthenticationFailed:
        """Verify what somebody signs in with at a page, and record the sign-in.

        To sign in is to prove the second factor now; a certificate that comes with every request proves
        no presence, however often it comes.
        """
        found = self.authenticate(credentials, context)
        if isinstance(found, Subject):
            found = replace(found, authenticated_at=context.now, second_factor_at=context.now)
            self._record.succeeded(found, context)
        return found

    def _by_certificate(self, certificate: bytes, epoch: int, context: Context) -> Subject | Refusal:
        if self._certificates is None:
            return Refusal(Cause.UNTRUSTED_CERTIFICATE, Credential.CERTIFICATE)
        return self._certificates.authenticate(certificate, epoch, context)

    def _recorded(self, found: Subject | Refusal, context: Context) -> Subject | AuthenticationFailed:
        if isinstance(found, Subject):
            return found
        self._record.refused(found, context)
        return found.failure
