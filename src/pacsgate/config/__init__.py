"""One file configures an installation: `pacsgate.yaml`, read once into frozen settings.

Every problem is reported at once, with file, line and column; unknown keys are
errors.  Relative paths are relative to the file.  Secrets are never written in
the file itself: it names the file that holds each.

Called by `bootstrap` and by `pacsgate config check`.
"""

from pacsgate.config.archives import (
    ArchiveSettings,
    BasicCredentialSettings,
    BearerCredentialSettings,
    ClientCredentialSettings,
    DicomWebArchiveSettings,
    FolderArchiveSettings,
    OffloadSettings,
    OriginCredentialSettings,
    OrthancArchiveSettings,
    OrthancLinkSettings,
)
from pacsgate.config.listeners import ListenerSettings, MountSettings
from pacsgate.config.reading import read_settings
from pacsgate.config.settings import CorsSettings, ForeignPolicySettings, Settings, TrailSettings

__all__ = [
    "ArchiveSettings",
    "BasicCredentialSettings",
    "BearerCredentialSettings",
    "ClientCredentialSettings",
    "CorsSettings",
    "DicomWebArchiveSettings",
    "FolderArchiveSettings",
    "ForeignPolicySettings",
    "ListenerSettings",
    "MountSettings",
    "OffloadSettings",
    "OriginCredentialSettings",
    "OrthancArchiveSettings",
    "OrthancLinkSettings",
    "Settings",
    "TrailSettings",
    "read_settings",
]
