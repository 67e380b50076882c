"""The installation that a command works on: the one whose configuration file it was given.

Called by every command that is not `demo` or `init`.
"""

from pathlib import Path

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.installation import open_installation as open_settings
from pacsgate.config import read_settings

__all__ = ["Installation", "open_installation"]


def open_installation(config: Path) -> Installation:
    """Open the installation of a configuration file, for one command.  Raises `SettingsError`."""
    return open_settings(read_settings(config), "cli")
