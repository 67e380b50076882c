"""The installation that a command works on: the one whose configuration file it was given.

Called by every command that is not `demo` or `init`.
"""

from pathlib import Path

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.installation import open_installation as open_settings
from pacsgate.config import read_settings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import ArchiveName

__all__ = ["Installation", "named_archive", "open_installation"]


def open_installation(config: Path) -> Installation:
    """Open the installation of a configuration file, for one command.  Raises `SettingsError`."""
    return open_settings(read_settings(config), "cli")


def named_archive(installation: Installation, name: str | None) -> ArchiveName:
    """The archive of this name, or the default one.  Raises `SettingsError`."""
    settings = installation.settings
    if name is None:
        return settings.main_archive
    if name not in settings.archives:
        raise SettingsError(f"no archive is called `{name}`; there are: {', '.join(settings.archives)}")
    return ArchiveName(name)
