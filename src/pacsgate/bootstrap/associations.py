"""Wires who requests associations.

Called by `dimse`.
"""

from pacsgate.bootstrap.doors import authenticator, last_recorded
from pacsgate.bootstrap.identity_sources import federated_accounts, role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.issuers import assertion_verifiers
from pacsgate.identity.associations.door import AssociationSources, LocalAssociationDoor


def association_door(installation: Installation, *, allow_cleartext_identity: bool) -> LocalAssociationDoor:
    """The door of associations of one process.  Raises `SettingsError`."""
    stores, trail, clock = installation.stores, installation.trail, installation.clock
    return LocalAssociationDoor(
        AssociationSources(
            directory=stores.directory,
            accounts=federated_accounts(installation),
            remote_aes=stores.remote_aes,
            epochs=stores.epochs,
            verifiers=assertion_verifiers(installation.settings, clock),
            used_assertions=stores.used_assertions,
            ceilings=role_ceilings(installation.settings),
        ),
        authenticator(installation),
        trail=trail,
        clock=clock,
        last_recorded=last_recorded(installation),
        allow_cleartext_identity=allow_cleartext_identity,
    )
