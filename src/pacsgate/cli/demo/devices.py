"""The machines of the demo's hospital: a scanner, a workstation, and a hospital elsewhere that takes images.

Called by `command`.
"""

from pacsgate.bootstrap.installation import Installation
from pacsgate.model.application_entity import RemoteAe
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.administration import Change

SCANNER = "CT1"
WORKSTATION = "WORKSTATION"
PARTNER = "PARTNER"
_HERE = ("127.0.0.0/8",)
_OWNER = "admin1"

_DEVICES = (
    RemoteAe(SCANNER, "CT1", networks=_HERE, owner=_OWNER, description="the scanner"),
    RemoteAe(
        WORKSTATION,
        "rad1",
        networks=_HERE,
        host="127.0.0.1",
        port=11113,
        owner=_OWNER,
        description="where Dr. Reis reads",
    ),
    RemoteAe(
        PARTNER, "ext1", host="127.0.0.1", port=11114, owner=_OWNER, description="a hospital that helps out"
    ),
)


def connect(installation: Installation) -> None:
    """Enter the machines into the list of application entities."""
    change = Change(installation.scope, installation.actor(), installation.clock.now())
    devices = DeviceAdministration(installation.office, installation.stores.remote_aes)
    for device in _DEVICES:
        devices.add(change, device)
