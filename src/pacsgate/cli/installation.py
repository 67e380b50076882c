"""The installation that a command works on: the one whose configuration file it was given.

Called by every command that is not `demo` or `init`.
"""

from pathlib import Path

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.installation import open_installation as open_settings
from pacsgate.config import read_settings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName

__all__ = ["Installation", "named_archive", "open_installation"]


def open_installation(config: Path, tenant: str = DEFAULT_TENANT) -> Installation:
    """Open the installation of a configuration file, for one command that works for one tenant.

    Raises `SettingsError`, also for a tenant that there is not.
    """
    installation = open_settings(read_settings(config), "cli", TenantName(tenant))
    if installation.scope not in installation.scopes():
        installation.close()
        raise SettingsError(f"no tenant is called `{tenant}`; `pacsgate tenant list` shows those that exist")
    return installation


def named_archive(installation: Installation, name: str | None) -> ArchiveName:
    """The archive of this name, or the default one.  Raises `SettingsError`."""
    known = installation.tenant_archives.of(installation.scope)
    chosen = installation.main_archive if name is None else ArchiveName(name)
    if chosen not in known:
        raise SettingsError(f"no archive is called `{chosen}`; there are: {', '.join(known)}")
    return chosen
