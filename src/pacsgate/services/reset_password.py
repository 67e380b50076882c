"""How somebody comes to a password that nobody else ever knew: an administrator gives a code, they choose.

The code is good for a day and for once, and names the state of the account that it was given for: a later
code, a password that was set meanwhile, or a permission that the account was given since makes it worthless,
for whoever gave the code may be one who could not give it now.  A code that is given at an archive ends with
whatever the account is given but units of that archive.  From the moment a code is given the old password is
worth nothing.  A new account that is made with a code is an invitation.

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
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import AuthenticationFailed, FailureKind, Passwords, UserRecord
from pacsgate.ports.factors import Challenges
from pacsgate.ports.identity import AttemptLimit, AttemptLock, Guessed
from pacsgate.services.account_holdings import holdings, permissions_held
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office

VALID_FOR = timedelta(hours=24)
_PURPOSE = "password-reset:"
_DIGEST_BYTES = 32


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

    def give(self, change: Change, name: str, *, but_units_of: ArchiveName | None = None) -> ResetCode:
        """A code for an account; its password is worth nothing from now on, and its sessions end.

        Whoever gives it for the access units of an archive, and administers no accounts, names the archive.
        Raises `NotFoundError`, or `ConflictError` for an account whose password is not kept here.
        """
        # In place of the old hash comes that of a password that nobody knows: the door takes as long.
        self._users.set_password(change, name, self._passwords.generate(), word="reset code given")
        user = self._users.user(change.scope, name)
        expires_at = change.at + VALID_FOR
        state = self._state(change.scope, user, but_units_of)
        code = self._challenges.ask(change.scope, _PURPOSE + name, state, expires_at=expires_at)
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
        if state is None or user is None or not self._is_as_it_was(scope, user, state):
            return self._refuse(change, account, address)
        lock = self._attempts.note_success(scope, Guessed.CODE, account, now)
        if lock is not None:
            return _locked(lock)
        self._users.set_password(change, account, password, word="password chosen")
        return None

    def _is_as_it_was(self, scope: TenantScope, user: UserRecord, state: bytes) -> bool:
        archive = state[_DIGEST_BYTES:].decode()
        now = self._state(scope, user, ArchiveName(archive) if archive else None)
        return hmac.compare_digest(state, now)

    def _state(self, scope: TenantScope, user: UserRecord, but_units_of: ArchiveName | None) -> bytes:
        """What a code is bound to: a digest, and the archive at which it was given, if it was at one."""
        policy = self._office.policy(scope)
        if but_units_of is None:
            held = permissions_held(user, policy)
        else:
            held = holdings(user, policy, self._office.directory.grants(scope), but_units_of=but_units_of)
        digest = hashlib.sha256("\n".join((user.password_hash or "", user.kind, *held)).encode()).digest()
        return digest + (but_units_of or "").encode()

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


def _locked(lock: AttemptLock) -> AuthenticationFailed:
    return AuthenticationFailed(FailureKind.LOCKED_OUT, lock.seconds_left)
