"""`/api/v1/locks`: who and what is kept out at once, everywhere, and why.

Called by `app`; calls `ManagedAccounts` and `ManagedDevices`.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.asking import DeviceAdministrator, UserAdministrator, UserLister
from pacsgate.admin.api.devices import AeTitle
from pacsgate.admin.api.instants import Instant
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.user_shapes import UserName
from pacsgate.ports.locks import LockRecord, LockTarget
from pacsgate.services.managed_accounts import ManagedAccounts
from pacsgate.services.managed_devices import ManagedDevices


class Lock(BaseModel):
    """Why somebody or something is to be kept out, and until when."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=400)]
    until: Instant | None = None


class LockTold(BaseModel):
    """One lock."""

    target: LockTarget
    name: str
    reason: str
    locked_by: str
    locked_at: datetime
    until: datetime | None

    @classmethod
    def of(cls, lock: LockRecord) -> "LockTold":
        """As it is told."""
        return cls(
            target=lock.target,
            name=lock.name,
            reason=lock.reason,
            locked_by=lock.locked_by,
            locked_at=lock.locked_at,
            until=lock.until,
        )


class LockList(BaseModel):
    """The locks that hold now."""

    locks: list[LockTold]


def lock_routes(accounts: ManagedAccounts, devices: ManagedDevices) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/locks", tags=["locks"])

    @routes.get("", responses=problems())
    def list_locks(mandate: UserLister) -> LockList:
        """List the locks of users and devices."""
        return LockList(locks=[LockTold.of(lock) for lock in accounts.locks(mandate)])

    @routes.put("/user/{name}", responses=problems(404))
    def lock_user(mandate: UserAdministrator, name: UserName, lock: Lock) -> LockTold:
        """End whatever somebody has open, within two seconds, and let them in no more."""
        return LockTold.of(accounts.lock(mandate, name, lock.reason, lock.until))

    @routes.delete("/user/{name}", status_code=204, responses=problems(404))
    def unlock_user(mandate: UserAdministrator, name: UserName) -> None:
        """Let somebody in again."""
        accounts.unlock(mandate, name)

    @routes.put("/device/{ae_title:path}", responses=problems(404))
    def lock_device(mandate: DeviceAdministrator, ae_title: AeTitle, lock: Lock) -> LockTold:
        """End the associations of a device, within two seconds, and let it in no more."""
        return LockTold.of(devices.lock(mandate, ae_title, lock.reason, lock.until))

    @routes.delete("/device/{ae_title:path}", status_code=204, responses=problems(404))
    def unlock_device(mandate: DeviceAdministrator, ae_title: AeTitle) -> None:
        """Let a device in again."""
        devices.unlock(mandate, ae_title)

    return routes
