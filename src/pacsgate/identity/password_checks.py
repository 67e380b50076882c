"""At most two passwords at a time: argon2id is dear on purpose, and must not starve the gate.

Each check holds 64 MiB and keeps several cores busy for a tenth of a second.  A
few more may wait for a short while; the rest are told to come back, so that a
flood of guesses cannot take every thread that serves somebody else.

Called by `pacsgate.identity.password_door`.
"""

import threading

from pacsgate.identity.passwords import Argon2Passwords

CHECKS_AT_ONCE = 2
CHECKS_WAITING = 8
PATIENCE_SECONDS = 3.0
"""Eight waiting checks of 0.12 s, two at a time, take half a second on an idle machine."""


class TooManyChecks(Exception):  # noqa: N818 - it names a state, and never leaves this package
    """No check could be begun in time."""


class PasswordChecks:
    """The one place where passwords are compared."""

    def __init__(self, passwords: Argon2Passwords, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._passwords = passwords
        self._patience_seconds = patience_seconds
        self._admission = threading.BoundedSemaphore(CHECKS_AT_ONCE + CHECKS_WAITING)
        self._checking = threading.BoundedSemaphore(CHECKS_AT_ONCE)

    def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the kept one.  Raises `TooManyChecks`."""
        if not self._admission.acquire(blocking=False):
            raise TooManyChecks
        try:
            if not self._checking.acquire(timeout=self._patience_seconds):
                raise TooManyChecks
            try:
                return self._passwords.matches(encoded, password)
            finally:
                self._checking.release()
        finally:
            self._admission.release()
