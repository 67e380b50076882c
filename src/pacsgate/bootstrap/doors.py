"""What every door is wired with, whichever protocol comes in by it.

Called by `gate`, `dimse`, `associations` and `asked`.
"""

import secrets
from datetime import UTC, datetime

from pacsgate.bootstrap.certificates import certificate_door
from pacsgate.bootstrap.directories import outside_passwords
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.issuers import bearer_door
from pacsgate.bootstrap.people import passwords
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.lockout import Lockout, ProbeLockout
from pacsgate.services.resolve import Resolver
from pacsgate.services.store_instances import StoreInstances
from pacsgate.services.study_orders import StudyOrders
from pacsgate.sinks.access_windows import AccessWindows

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def last_recorded(installation: Installation) -> datetime:
    """When the trail was last written to: the clock has been there."""
    return installation.trail.last_recorded_at or _LONG_AGO


def authenticator(installation: Installation) -> Authenticator:
    """Who checks names and passwords, tokens and sessions."""
    stores = installation.stores
    return Authenticator(
        directory=stores.directory,
        epochs=stores.epochs,
        trail=installation.trail,
        clock=installation.clock,
        passwords=passwords(installation.settings),
        last_recorded=last_recorded(installation),
        ceilings=role_ceilings(installation.settings),
        sightings=stores.sightings,
        outside=outside_passwords(installation),
        certificates=certificate_door(installation, last_recorded(installation)),
        bearers=bearer_door(installation, last_recorded(installation)),
    )


def store_instances(installation: Installation, resolver: Resolver) -> StoreInstances:
    """The way of every object into an archive."""
    return StoreInstances(
        installation.archives.by_name,
        resolver,
        installation.freshness,
        installation.indexer,
        installation.policies,
        ProbeLockout(Lockout(installation.stores.directory)),
        installation.trail,
        installation.occurrences,
        StudyOrders(installation.orders),
    )


def access_windows(installation: Installation) -> AccessWindows:
    """Where reads of one study become one event."""
    return AccessWindows(installation.trail, installation.clock, new_id=lambda: secrets.token_hex(8))
