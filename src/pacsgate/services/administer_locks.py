"""Locks: somebody or something is kept out at once, everywhere, until the lock ends.

A lock says nothing of the account: roles, groups, tokens and a way back stay as they were, which is
what one wants while finding out what happened.  Browser sessions end for good.

Called by the command line and the administration API.

Invariants:
- when `lock` has returned, no process lets the name in any more; what it has running ends within two
  seconds, because everything that runs asks again.

Standard: PS3.16 CID 401 (110137, 110128); NIST SP 800-53 AC-2(13).
"""

from datetime import datetime

from pacsgate.audit.events import REASON_GIVEN, EventKind
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.locks import LockRecord, Locks, LockTarget
from pacsgate.services.administration import Change, Office

LONGEST_REASON = 400

_KINDS = {LockTarget.USER: EventKind.USER_CHANGED, LockTarget.DEVICE: EventKind.DEVICE_CHANGED}


class LockAdministration:
    """Sets and lifts the locks of a tenant."""

    def __init__(self, office: Office, locks: Locks, remote_aes: ApplicationEntities) -> None:
        self._office = office
        self._locks = locks
        self._remote_aes = remote_aes

    def locks(self, scope: TenantScope) -> tuple[LockRecord, ...]:
        """Every lock, lapsed ones included."""
        return self._locks.locks(scope)

    def target_of(self, scope: TenantScope, name: str) -> LockTarget:
        """What goes by this name.  Raises `NotFoundError`, and `RequestError` if it is both."""
        is_user = self._office.directory.user(scope, name) is not None
        is_device = self._remote_aes.remote_ae(scope, name) is not None
        if is_user and is_device:
            raise RequestError(f"`{name}` is a user and a device: say which (`--user` or `--device`)")
        if not is_user and not is_device:
            raise NotFoundError(f"there is no user and no device `{name}`")
        return LockTarget.USER if is_user else LockTarget.DEVICE

    def lock(
        self,
        change: Change,
        target: LockTarget,
        name: str,
        *,
        reason: str,
        until: datetime | None = None,
    ) -> LockRecord:
        """Lock, or replace the lock there is; sessions end now, the rest as it asks again."""
        reason = reason.strip()
        if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
            raise RequestError(
                f"a lock needs a reason in one line of at most {LONGEST_REASON} characters: the next "
                "administrator will want to know whether it may be lifted"
            )
        if until is not None and until <= change.at:
            raise RequestError("a lock must end in the future; to end it now, unlock")
        self._need(change.scope, target, name)
        lock = LockRecord(target, name, reason, change.actor.name, change.at, until)
        told = {REASON_GIVEN: reason} | ({} if until is None else {"until": until.isoformat()})
        event = change.event(_KINDS[target], "locked", name, study=None, **told)
        self._locks.set_lock(change.scope, lock, event)
        if target is LockTarget.USER:
            self._office.directory.end_sessions_of(change.scope, name)
        self._office.publish()
        return lock

    def unlock(self, change: Change, target: LockTarget, name: str) -> None:
        """Lift a lock.  Raises `NotFoundError`."""
        self._locks.lift_lock(change.scope, target, name, change.event(_KINDS[target], "unlocked", name))
        self._office.publish()

    def _need(self, scope: TenantScope, target: LockTarget, name: str) -> None:
        is_user = target is LockTarget.USER
        find = self._office.directory.user if is_user else self._remote_aes.remote_ae
        if find(scope, name) is None:
            raise NotFoundError(f"there is no {target} `{name}`")
