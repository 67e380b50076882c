"""Slows down guessing: repeated failures for one claimed name lock that name for a growing time.

What is counted is the name that was *claimed*, whether such a user exists or
not, so that a lock tells nothing; another user behind the same address is
unaffected.  Tokens and sessions of a locked user go on working, since nobody can
guess those; a lock must not be a way to throw somebody out.

Beside it everything that fails from one address is counted, whoever was claimed,
so that one password tried on every name is slow too.  A whole hospital may stand
behind one address: it takes hundreds of failures within minutes, the pause is one
minute and never grows, and who is signed in already notices nothing.

The counter lives in the directory and is shared by every door and process.  A
failure is counted after its password has been checked, under this process's
lock: between processes two simultaneous failures may count as one.

Whoever stores objects under UIDs that others hold, and so could learn of hidden ones,
is slowed down the same way, under a name that no user can have.

Called by `pacsgate.identity.password_door`, as `ports.AttemptLimit` by whoever
else verifies what can be guessed, and as `ports.ProbeLimit` by
`pacsgate.services.store_instances`; `sweep` by the background process.

Standard: OWASP ASVS 5.0 6.1.1, 6.3.1.
"""

import ipaddress
import math
import threading
from dataclasses import replace
from datetime import datetime, timedelta

from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.ports import Directory
from pacsgate.ports.identity import AttemptLock, Guessed

FAILURES_BEFORE_LOCK = 5
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(hours=1)
"""Counted from the end of the last lock; then counting starts anew."""

SWEPT_AFTER = timedelta(days=1)
"""A count below the lock is kept so long, for names that exist and for made-up ones alike."""

FAILURES_OF_AN_ADDRESS = 300
ADDRESS_COUNTED_FOR = timedelta(minutes=10)
"""Counting starts anew with each of these."""
ADDRESS_PAUSE = timedelta(minutes=1)

_COUNTED_AS = {
    Guessed.PASSWORD: "",
    Guessed.FACTOR: "factor:",
    Guessed.CODE: "code:",
    Guessed.SOURCE: "source:",
    Guessed.CLIENT: "client:",
}
"""In front of the name; user names hold no colon."""
_STORING = "store:"
"""What the name of a subject is counted under when it probes."""
_ADDRESS = "address:"
_ANYBODY = TenantScope(DEFAULT_TENANT)
"""Where failures of addresses are counted: whoever goes from tenant to tenant gets no new count."""
_IPV6_SITE = 64
"""One subscriber has a whole /64 to come from."""


def lock_duration(failures: int) -> timedelta | None:
    """How long this many consecutive failures lock a name: a minute, then twice as long each time."""
    if failures < FAILURES_BEFORE_LOCK:
        return None
    # Bounded before the shift: the counter grows for as long as somebody tries.
    doublings = min(failures - FAILURES_BEFORE_LOCK, 10)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


class Lockout:
    """Counts failures per claimed name."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._counting = threading.Lock()

    def lock_on(self, scope: TenantScope, name: str, now: datetime) -> AttemptLock | None:
        """The lock that a name is under, if any."""
        _, locked_until = self._directory.failures(scope, name)
        return _lock_until(locked_until, now)

    def note_failure(self, scope: TenantScope, name: str, now: datetime) -> AttemptLock | None:
        """Count a failure and return the lock that the name is under now.

        A failure that comes to light while the name is locked counts no further:
        its guess was made before the lock fell, and lengthening the lock would
        punish parallel requests more than patient ones.
        """
        with self._counting:
            count, locked_until = self._directory.failures(scope, name)
            lock = _lock_until(locked_until, now)
            if lock is not None:
                return lock
            if locked_until is not None and now >= locked_until + FORGOTTEN_AFTER:
                count = 0
            duration = lock_duration(count + 1)
            until = None if duration is None else now + duration
            self._directory.note_failure(scope, name, count + 1, now, until)
            return _lock_until(until, now, is_new=True)

    def note_success(self, scope: TenantScope, name: str, now: datetime) -> AttemptLock | None:
        """Forget the failures of a name, unless a lock fell while its password was being checked."""
        with self._counting:
            count, locked_until = self._directory.failures(scope, name)
            lock = _lock_until(locked_until, now)
            if lock is None and count:
                self._directory.clear_failures(scope, name)
            return lock


class Attempts:
    """`ports.AttemptLimit`: by name and by address."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._names = Lockout(directory)
        self._counting = threading.Lock()

    def lock_on(
        self, scope: TenantScope, guessed: Guessed, name: str | None, address: str | None, now: datetime
    ) -> AttemptLock | None:
        """The lock on the name or, without one, that on the address."""
        found = None if name is None else self._names.lock_on(scope, _COUNTED_AS[guessed] + name, now)
        if found is not None or address is None:
            return found
        paused = self._names.lock_on(_ANYBODY, _site(address, now), now)
        return None if paused is None else replace(paused, of_address=True)

    def note_failure(
        self, scope: TenantScope, guessed: Guessed, name: str | None, address: str | None, now: datetime
    ) -> AttemptLock | None:
        """Count for both."""
        of_name = None if name is None else self._names.note_failure(scope, _COUNTED_AS[guessed] + name, now)
        of_address = None if address is None else self._note_address(_site(address, now), now)
        return of_name or of_address

    def note_success(
        self, scope: TenantScope, guessed: Guessed, name: str, now: datetime
    ) -> AttemptLock | None:
        """Forget those of the name.  Those of the address stay: an account must not reset them."""
        return self._names.note_success(scope, _COUNTED_AS[guessed] + name, now)

    def _note_address(self, site: str, now: datetime) -> AttemptLock | None:
        with self._counting:
            count = self._directory.failures(_ANYBODY, site)[0] + 1
            until = None if count % FAILURES_OF_AN_ADDRESS else now + ADDRESS_PAUSE
            self._directory.note_failure(_ANYBODY, site, count, now, until)
            paused = _lock_until(until, now, is_new=True)
            return None if paused is None else replace(paused, of_address=True)


class ProbeLockout:
    """Slows down who probes by storing; what it did right in between makes no difference."""

    def __init__(self, lockout: Lockout) -> None:
        self._lockout = lockout

    def seconds_left(self, scope: TenantScope, name: str, now: datetime) -> int | None:
        """For how long a subject may not store; `None` if it may."""
        lock = self._lockout.lock_on(scope, _STORING + name, now)
        return None if lock is None else lock.seconds_left

    def note(self, scope: TenantScope, name: str, now: datetime) -> None:
        """Count a refusal that could tell of something hidden."""
        self._lockout.note_failure(scope, _STORING + name, now)


def sweep(directory: Directory, scope: TenantScope, now: datetime) -> None:
    """Forget failures that make no difference any more."""
    directory.forget_failures(scope, now - SWEPT_AFTER)


def _lock_until(until: datetime | None, now: datetime, *, is_new: bool = False) -> AttemptLock | None:
    if until is None or now >= until:
        return None
    return AttemptLock(seconds_left=math.ceil((until - now).total_seconds()), is_new=is_new)


def _site(address: str, now: datetime) -> str:
    """What the failures of an address are counted under, anew every so many minutes."""
    window = int(now.timestamp() // ADDRESS_COUNTED_FOR.total_seconds())
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{_ADDRESS}{address}@{window}"
    bits = _IPV6_SITE if parsed.version == 6 else parsed.max_prefixlen
    return f"{_ADDRESS}{ipaddress.ip_network((parsed, bits), strict=False)}@{window}"
