"""Devices as those who administer them see and change them.

A device without a user identity acts as its account, and one that vouches for groups names their members
without a passcode.  So nobody makes one stand for somebody beyond them, changes what proves one that does, or
lets such a one in again; to keep it out is everybody's who administers devices.

Called by the administration API and its pages; calls `administer_devices` and `administer_locks`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from pacsgate.model.application_entity import RemoteAe
from pacsgate.ports import Directory
from pacsgate.ports.locks import LockRecord, LockTarget
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administer_locks import LockAdministration
from pacsgate.services.mandates import Mandate, roles_of_groups


@dataclass(frozen=True, slots=True)
class ManagedDevices:
    """The use case over one installation."""

    administration: Callable[[], DeviceAdministration]
    locking: Callable[[], LockAdministration]
    directory: Directory

    def devices(self, mandate: Mandate) -> tuple[RemoteAe, ...]:
        """Every device."""
        return self.administration().devices(mandate.scope)

    def device(self, mandate: Mandate, ae_title: str) -> RemoteAe:
        """The device of this title.  Raises `NotFoundError`."""
        return self.administration().device(mandate.scope, ae_title)

    def add(self, mandate: Mandate, device: RemoteAe) -> RemoteAe:
        """Make an entry."""
        self._refuse_beyond(mandate, device)
        return self.administration().add(mandate.change(), device)

    def change(self, mandate: Mandate, device: RemoteAe) -> RemoteAe:
        """Replace an entry; a lock on it stays."""
        before = self.device(mandate, device.ae_title)
        if _evidence(device) != _evidence(before) or _comes_in_again(device, before):
            self._refuse_beyond(mandate, device)
        kept = replace(device, is_locked=before.is_locked, locked_until=before.locked_until)
        return self.administration().change(mandate.change(), kept)

    def remove(self, mandate: Mandate, ae_title: str) -> None:
        """Remove an entry."""
        self.administration().remove(mandate.change(), ae_title)

    def lock(self, mandate: Mandate, ae_title: str, reason: str, until: datetime | None) -> LockRecord:
        """Keep it out at once."""
        change = mandate.change()
        return self.locking().lock(change, LockTarget.DEVICE, ae_title, reason=reason, until=until)

    def unlock(self, mandate: Mandate, ae_title: str) -> None:
        """Let it in again."""
        for device in self.devices(mandate):
            if device.ae_title == ae_title:
                self._refuse_beyond(mandate, device)
        self.locking().unlock(mandate.change(), LockTarget.DEVICE, ae_title)

    def _refuse_beyond(self, mandate: Mandate, device: RemoteAe) -> None:
        """Raise `RequestError` (403) for a device that stands for somebody beyond the mandate."""
        account = None if device.account is None else self.directory.user(mandate.scope, device.account)
        if account is not None:
            mandate.over(account)
        if not device.vouches_for:
            return
        mandate.to_give(roles_of_groups(mandate.policy, device.vouches_for))
        for user in self.directory.users(mandate.scope):
            if user.groups & device.vouches_for:
                mandate.over(user)


def _evidence(device: RemoteAe) -> tuple[object, ...]:
    """Whom a device stands for, and what proves that it is itself."""
    return (
        device.account,
        device.vouches_for,
        device.networks,
        device.certificate_sha256,
        device.title_is_enough,
    )


def _comes_in_again(device: RemoteAe, before: RemoteAe) -> bool:
    """Whether it counts where, or for longer than, it did not before."""
    if before.disabled and not device.disabled:
        return True
    ended = before.valid_until
    return ended is not None and (device.valid_until is None or device.valid_until > ended)
