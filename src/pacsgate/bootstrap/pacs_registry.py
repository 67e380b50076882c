"""The registry of PACSes, wired: with the queue, because what waits for a PACS that goes must fail.

Called by `api` and by the command line.
"""

from pacsgate.bootstrap import people
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.pacs_queue import queue_desk
from pacsgate.bootstrap.tenancy import known_pacses
from pacsgate.services.administer_pacses import PacsAdministration


def pacses(installation: Installation) -> PacsAdministration:
    """PACSes."""
    stores = installation.stores
    return PacsAdministration(
        installation.office,
        stores.tenants,
        known_pacses(installation),
        people.users(installation),
        queue_desk(installation).give_up.all_of,
    )
