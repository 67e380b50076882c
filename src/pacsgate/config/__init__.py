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
from pacsgate.config.certificates import (
    CertificateHeaderSettings,
    CertificateNameSettings,
    CertificateSourceSettings,
)
from pacsgate.config.dicom import CalledAeSettings, DicomListenerSettings, DicomSettings
from pacsgate.config.dicom_peers import ClientTlsSettings, DicomPeerSettings, PeerTlsSettings
from pacsgate.config.foreign_policies import ForeignPolicySettings
from pacsgate.config.hl7 import Dcm4cheeSettings, Hl7ListenerSettings, Hl7SenderSettings, Hl7Settings
from pacsgate.config.identity import IdentitySettings, JwtIssuerSettings, SamlIssuerSettings
from pacsgate.config.listeners import ListenerSettings, MountSettings
from pacsgate.config.oidc import BearerSettings, OpenIdSettings
from pacsgate.config.reading import read_settings
from pacsgate.config.secrets import SecretsSettings
from pacsgate.config.sessions import PasswordSettings, RoleSessionSettings, SessionSettings
from pacsgate.config.settings import CorsSettings, Settings, TrailSettings
from pacsgate.config.sources import ClaimSettings
from pacsgate.config.tenants import TenantSettings
from pacsgate.config.tls import DicomTlsSettings, HttpTlsSettings

__all__ = [
    "ArchiveSettings",
    "BasicCredentialSettings",
    "BearerCredentialSettings",
    "BearerSettings",
    "CalledAeSettings",
    "CertificateHeaderSettings",
    "CertificateNameSettings",
    "CertificateSourceSettings",
    "ClaimSettings",
    "ClientCredentialSettings",
    "ClientTlsSettings",
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
    "HttpTlsSettings",
    "IdentitySettings",
    "JwtIssuerSettings",
    "ListenerSettings",
    "MountSettings",
    "OffloadSettings",
    "OpenIdSettings",
    "OriginCredentialSettings",
    "OrthancArchiveSettings",
    "OrthancLinkSettings",
    "PasswordSettings",
    "PeerTlsSettings",
    "RoleSessionSettings",
    "SamlIssuerSettings",
    "SecretsSettings",
    "SessionSettings",
    "Settings",
    "TenantSettings",
    "TrailSettings",
    "read_settings",
]
