"""How somebody comes to a password that nobody else ever knew: an administrator gives a code, they choose.

The code is good for a day and for once, and names the state of the account that it was given for: a later
code, or a password that was set meanwhile, makes it worthless.  From the moment it is given the old
password is worth nothing.  A new account that is made with a code is an invitation.

Called by the page `/reset`, the command line and the administration API.

Invariants:
- no administrator learns a password by this way, and no password is ever sent anywhere;
- a wrong code, a used one, one that has expired and one for another name are answered alike.

Standard: OWASP ASVS 5.0 6.2.2, 6.2.3, 6.4.1, 6.4.3, 6.4.6.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pacsgate.audit.events import Actor, EventKind, Outcome
from pacsgate.model.claimed_names import LONGEST_CLAIM, NOBODY
from pacsgate.model.context import Context
from pacsgate.ports import AuthenticationFailed, FailureKind, Passwords, UserRecord
from pacsgate.ports.factors import Challenges
from pacsgate.ports.identity import AttemptLimit, AttemptLock, Guessed
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office

VALID_FOR = timedelta(hours=24)
_PURPOSE = "password-reset:"


@dataclass(frozen=True, slots=True)
class ResetCode:
    """What is handed to the user, once."""

    name: str
    code: str
    expires_at: datetime


class PasswordReset:
    """Gives codes, and takes them for a password."""

    def __init__(
        self,
        office: Office,
        users: UserAdministration,
        passwords: Passwords,
        challenges: Challenges,
        attempts: AttemptLimit,
    ) -> None:
        self._office = office
        self._users = users
        self._passwords = passwords
        self._challenges = challenges
        self._attempts = attempts

    def give(self, change: Change, name: str) -> ResetCode:
        """A code for an account; its password is worth nothing from now on, and its sessions end.

        Raises `NotFoundError`, or `ConflictError` for an account whose password is not kept here.
        """
        # In place of the old hash comes that of a password that nobody knows: the door takes as long.
        self._users.set_password(change, name, self._passwords.generate(), word="reset code given")
        user = self._users.user(change.scope, name)
        expires_at = change.at + VALID_FOR
        code = self._challenges.ask(change.scope, _PURPOSE + name, _state(user), expires_at=expires_at)
        return ResetCode(name, code, expires_at)

    def complete(self, name: str, code: str, password: str, context: Context) -> AuthenticationFailed | None:
        """Set the password that the holder of a code has chosen; `None` when that is done.

        Raises `RequestError` for a weak password, before the code is looked at.
        """
        scope, account = self._office.directory.stated(name)
        self._passwords.refuse_weak(password, account)
        if not name.isprintable() or ":" in name or len(name) > LONGEST_CLAIM:
            account = NOBODY  # made-up names must not fill the record or the counts
        address, now = context.client_address, context.now
        lock = self._attempts.lock_on(scope, Guessed.CODE, account, address, now)
        if lock is not None:
            return _locked(lock)
        actor = Actor(account, verified=True, credential="reset-code", address=address)
        change = Change(scope, actor, now, context.request_id)
        state = self._challenges.take(scope, _PURPOSE + account, code.strip(), now)
        user = self._office.directory.user(scope, account)
        if state is None or user is None or not hmac.compare_digest(state, _state(user)):
            return self._refuse(change, account, address)
        lock = self._attempts.note_success(scope, Guessed.CODE, account, now)
        if lock is not None:
            return _locked(lock)
        self._users.set_password(change, account, password, word="password chosen")
        return None

    def _refuse(self, change: Change, name: str, address: str | None) -> AuthenticationFailed:
        actor = replace(change.actor, verified=False)
        refused = replace(change, actor=actor).event(EventKind.SIGN_IN, "reset code refused", name)
        self._office.trail.record(replace(refused, outcome=Outcome.SERIOUS))
        lock = self._attempts.note_failure(change.scope, Guessed.CODE, name, address, change.at)
        if lock is not None and lock.is_new:
            locked = replace(change, actor=actor).event(
                EventKind.LOCKED_OUT,
                "reset code refused",
                name,
                seconds=str(lock.seconds_left),
                locked="address" if lock.of_address else "name",
            )
            self._office.trail.record(replace(locked, outcome=Outcome.SERIOUS))
        return AuthenticationFailed(FailureKind.REFUSED)


def _state(user: UserRecord) -> bytes:
    return hashlib.sha256((user.password_hash or "").encode()).digest()


def _locked(lock: AttemptLock) -> AuthenticationFailed:
    return AuthenticationFailed(FailureKind.LOCKED_OUT, lock.seconds_left)
