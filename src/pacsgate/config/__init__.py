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
    DimseArchiveSettings,
    FolderArchiveSettings,
    OffloadSettings,
    OriginCredentialSettings,
    OrthancArchiveSettings,
    OrthancLinkSettings,
)
from pacsgate.config.dicom import CalledAeSettings, DicomListenerSettings, DicomSettings, DicomTlsSettings
from pacsgate.config.dicom_peers import DicomPeerSettings, PeerTlsSettings
from pacsgate.config.hl7 import Dcm4cheeSettings, Hl7ListenerSettings, Hl7SenderSettings, Hl7Settings
from pacsgate.config.identity import ClaimSettings, IdentitySettings, JwtIssuerSettings, SamlIssuerSettings
from pacsgate.config.listeners import ListenerSettings, MountSettings
from pacsgate.config.reading import read_settings
from pacsgate.config.settings import CorsSettings, ForeignPolicySettings, Settings, TrailSettings

__all__ = [
    "ArchiveSettings",
    "BasicCredentialSettings",
    "BearerCredentialSettings",
    "CalledAeSettings",
    "ClaimSettings",
    "ClientCredentialSettings",
    "CorsSettings",
    "Dcm4cheeSettings",
    "DicomListenerSettings",
    "DicomPeerSettings",
    "DicomSettings",
    "DicomTlsSettings",
    "DicomWebArchiveSettings",
    "DimseArchiveSettings",
    "FolderArchiveSettings",
    "ForeignPolicySettings",
    "Hl7ListenerSettings",
    "Hl7SenderSettings",
    "Hl7Settings",
    "IdentitySettings",
    "JwtIssuerSettings",
    "ListenerSettings",
    "MountSettings",
    "OffloadSettings",
    "OriginCredentialSettings",
    "OrthancArchiveSettings",
    "OrthancLinkSettings",
    "PeerTlsSettings",
    "SamlIssuerSettings",
    "Settings",
    "TrailSettings",
    "read_settings",
]
