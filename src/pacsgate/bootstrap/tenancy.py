"""The use cases about tenants and their PACSes, wired: who may, what there is, what changes.

Called by `api`, by the console and by the command line.
"""

from collections.abc import Callable

from pacsgate.bootstrap import people
from pacsgate.bootstrap.factors import proofs
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.errors import SettingsError
from pacsgate.model.pacs_operation import PacsKind
from pacsgate.model.permission import Permission
from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.tenants import PacsRecord
from pacsgate.services.administer_tenants import TenantAdministration
from pacsgate.services.known_pacses import KnownPacses
from pacsgate.services.warrants import Warrants


def known_pacses(installation: Installation) -> KnownPacses:
    """Every PACS of every tenant."""
    of_file: dict[TenantName, dict[ArchiveName, PacsRecord]] = {}
    for archive, tenant in installation.tenant_archives.owners.items():
        record = PacsRecord(archive, archive, PacsKind.ARCHIVE)
        of_file.setdefault(tenant, {})[archive] = record
    return KnownPacses(installation.stores.tenants, of_file)


def refuse_shared_names(installation: Installation) -> None:
    """Raise `SettingsError` if an archive of the file has taken the name of a PACS that is registered.

    The agent of that PACS would be the agent of the archive.
    """
    for archive, tenant in installation.tenant_archives.owners.items():
        if installation.stores.tenants.pacs(TenantScope(tenant), archive) is not None:
            raise SettingsError(
                f"archive `{archive}` is called like a PACS that is registered in tenant `{tenant}`: "
                "call the archive something else, or take it out, unregister the PACS and put it back"
            )


def warrants(
    installation: Installation, count: Callable[[TenantName, Permission], None] = lambda *_: None
) -> Warrants:
    """Who may do what for which tenant; `count` is told of every call."""
    return Warrants(
        installation.policies,
        known_pacses(installation),
        LocalAccounts(installation.stores.directory, role_ceilings(installation.settings)),
        installation.trail,
        proofs(installation),
        count,
    )


def tenants(installation: Installation) -> TenantAdministration:
    """Tenants."""
    return TenantAdministration(
        installation.office,
        installation.stores.tenants,
        people.users(installation),
        installation.beginning.begin,
    )
