"""`/api/v1/devices`: the remote application entities that are known here.

Called by `app`; calls `ManagedDevices`.

Standard: PS3.8 9.3.2 (AE titles).
"""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from pacsgate.admin.api.asking import DeviceAdministrator
from pacsgate.admin.api.etags import Unchanged, etag_of, show_etag
from pacsgate.admin.api.instants import Instant
from pacsgate.admin.api.locations import location
from pacsgate.admin.api.paging import USUAL, Cursor, Limit, page
from pacsgate.admin.api.problems import problems
from pacsgate.model.application_entity import RemoteAe
from pacsgate.services.managed_devices import ManagedDevices
from pacsgate.services.mandates import Mandate

AeTitle = Annotated[str, Path(description="An AE title.", min_length=1, max_length=16)]
_Text = Annotated[str, Field(max_length=400)]
_Network = Annotated[str, Field(max_length=64)]


class DeviceEntry(BaseModel):
    """What is known of a device: who answers for it, what proves it, and where it listens."""

    model_config = ConfigDict(extra="forbid")

    owner: Annotated[str, Field(min_length=1, max_length=400)]
    account: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    networks: Annotated[list[_Network], Field(max_length=100)] = []
    certificate_sha256: Annotated[str, Field(max_length=64)] | None = None
    title_is_enough: bool = False
    vouches_for: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=100)
    ] = []
    host: Annotated[str, Field(max_length=255)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: bool = False
    description: _Text = ""
    valid_until: Instant | None = None
    disabled: bool = False

    def device(self, ae_title: str) -> RemoteAe:
        """The device of this title."""
        return RemoteAe(
            ae_title=ae_title,
            account=self.account,
            networks=tuple(self.networks),
            certificate_sha256=self.certificate_sha256,
            title_is_enough=self.title_is_enough,
            vouches_for=frozenset(self.vouches_for),
            host=self.host,
            port=self.port,
            tls=self.tls,
            owner=self.owner,
            description=self.description,
            valid_until=self.valid_until,
            disabled=self.disabled,
        )


class NewDevice(DeviceEntry):
    """A device to be made known."""

    ae_title: Annotated[str, Field(min_length=1, max_length=16)]


class DeviceTold(BaseModel):
    """One device."""

    ae_title: str
    owner: str
    account: str | None
    networks: list[str]
    certificate_sha256: str | None
    title_is_enough: bool
    vouches_for: list[str]
    host: str | None
    port: int | None
    tls: bool
    description: str
    valid_until: Instant | None
    disabled: bool
    locked: bool

    @classmethod
    def of(cls, device: RemoteAe) -> "DeviceTold":
        """As it is told."""
        return cls(
            ae_title=device.ae_title,
            owner=device.owner,
            account=device.account,
            networks=list(device.networks),
            certificate_sha256=device.certificate_sha256,
            title_is_enough=device.title_is_enough,
            vouches_for=sorted(device.vouches_for),
            host=device.host,
            port=device.port,
            tls=device.tls,
            description=device.description,
            valid_until=device.valid_until,
            disabled=device.disabled,
            locked=device.is_locked,
        )


class DeviceList(BaseModel):
    """Devices, by title."""

    devices: list[DeviceTold]
    next: str | None


def device_routes(managed: ManagedDevices) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/devices", tags=["devices"])

    def tag_of(mandate: Mandate, ae_title: str) -> str:
        return etag_of(DeviceTold.of(managed.device(mandate, ae_title)))

    @routes.get("", responses=problems())
    def list_devices(mandate: DeviceAdministrator, limit: Limit = USUAL, cursor: Cursor = None) -> DeviceList:
        """List devices."""
        found = page(managed.devices(mandate), lambda device: device.ae_title, limit, cursor)
        return DeviceList(devices=[DeviceTold.of(device) for device in found.rows], next=found.next)

    @routes.post("", status_code=201, responses=problems(404, 409))
    def add_device(mandate: DeviceAdministrator, new: NewDevice, response: Response) -> DeviceTold:
        """Make a device known."""
        told = DeviceTold.of(managed.add(mandate, new.device(new.ae_title)))
        response.headers["Location"] = location("devices", told.ae_title)
        show_etag(response, etag_of(told))
        return told

    @routes.get("/{ae_title:path}", responses=problems(404))
    def show_device(mandate: DeviceAdministrator, ae_title: AeTitle, response: Response) -> DeviceTold:
        """Show one device."""
        told = DeviceTold.of(managed.device(mandate, ae_title))
        show_etag(response, etag_of(told))
        return told

    @routes.put("/{ae_title:path}", responses=problems(404, 409, 412))
    def change_device(
        mandate: DeviceAdministrator,
        ae_title: AeTitle,
        entry: DeviceEntry,
        response: Response,
        unchanged: Unchanged,
    ) -> DeviceTold:
        """Replace what is known of a device, from its next association on."""
        with unchanged.holds(lambda: tag_of(mandate, ae_title)):
            told = DeviceTold.of(managed.change(mandate, entry.device(ae_title)))
        show_etag(response, etag_of(told))
        return told

    @routes.delete("/{ae_title:path}", status_code=204, responses=problems(404, 412))
    def remove_device(mandate: DeviceAdministrator, ae_title: AeTitle, unchanged: Unchanged) -> None:
        """Forget a device; its account stays."""
        with unchanged.holds(lambda: tag_of(mandate, ae_title)):
            managed.remove(mandate, ae_title)

    return routes
