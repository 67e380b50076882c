"""Wires who requests associations.

Called by `dimse`.
"""

from datetime import UTC, datetime

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.issuers import assertion_verifiers
from pacsgate.identity.associations.door import AssociationSources, LocalAssociationDoor
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.passwords import Argon2Passwords

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def association_door(installation: Installation, *, allow_cleartext_identity: bool) -> LocalAssociationDoor:
    """The door of associations of one process.  Raises `SettingsError`."""
    stores, trail, clock = installation.stores, installation.trail, installation.clock
    last_recorded = trail.last_recorded_at or _LONG_AGO
    authenticator = Authenticator(
        directory=stores.directory,
        epochs=stores.epochs,
        trail=trail,
        clock=clock,
        passwords=Argon2Passwords(),
        last_recorded=last_recorded,
    )
    return LocalAssociationDoor(
        AssociationSources(
            directory=stores.directory,
            remote_aes=stores.remote_aes,
            epochs=stores.epochs,
            verifiers=assertion_verifiers(installation.settings, clock),
            used_assertions=stores.used_assertions,
        ),
        authenticator,
        trail=trail,
        clock=clock,
        last_recorded=last_recorded,
        allow_cleartext_identity=allow_cleartext_identity,
    )
