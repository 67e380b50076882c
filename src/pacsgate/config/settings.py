"""A whole installation, as its file says it.

Called by `reading`, and by `bootstrap` in what it returns.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from pacsgate.config.archives import ArchiveSettings, OrthancArchiveSettings
from pacsgate.config.base import Section
from pacsgate.config.certificates import CertificateHeaderSettings
from pacsgate.config.dicom import DicomSettings
from pacsgate.config.foreign_policies import ForeignPolicySettings
from pacsgate.config.hl7 import Dcm4cheeSettings, Hl7Settings
from pacsgate.config.identity import IdentitySettings
from pacsgate.config.listeners import ListenerSettings
from pacsgate.config.pacs_queue import QueueSettings
from pacsgate.config.secrets import SecretsSettings
from pacsgate.config.tenants import TenantSettings, tenant_name
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.model.tenant_names import TAKEN_TENANTS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AccountName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$")]


class CorsSettings(Section):
    """Which browser origins may call the gate from other pages.  Empty: none."""

    origins: tuple[str, ...] = ()


class TrailSettings(Section):
    """Where manifests of the trail get their signature from."""

    manifest_key: Path
    """Ed25519 private key, outside the data directory."""


class Settings(Section):
    """A whole installation."""

    data: Path
    """Directory for database, trail and spool."""
    database: str | None = None
    """SQLAlchemy URL; SQLite inside `data` when absent."""
    listeners: tuple[ListenerSettings, ...] = (ListenerSettings(),)
    workers: int = Field(default=2, ge=1, le=64)
    """HTTP worker processes."""
    public_url: str | None = None
    """How clients reach the gate, when that is not how it listens (behind a proxy)."""
    archives: dict[str, ArchiveSettings] = Field(min_length=1)
    default_archive: str | None = None
    """The archive behind `/dicom-web` for the tenant `default`; may be left out when it has only one."""
    tenants: dict[str, TenantSettings] = Field(default_factory=dict)
    """What other tenants have of this installation, by their names."""
    registrators: tuple[AccountName, ...] = ()
    """Accounts of the tenant `platform` that may register tenants; nothing else makes anybody one."""
    queue: QueueSettings = QueueSettings()
    """How long operations on PACSes wait for their agents, and how often they are tried."""
    policy: Path
    """The policy file, or a directory of them."""
    foreign_policies: tuple[ForeignPolicySettings, ...] = ()
    """Policy files of other systems, read as they stand beside `policy`."""
    approval_threshold: int | None = Field(default=None, ge=0)
    """Accesses (one user, one study, one action) that a policy change may add without a second person's
    approval; any number when absent."""
    networks: dict[str, tuple[Network, ...]] = Field(default_factory=dict)
    """Named zones for `env.network`, first match wins; anything else is `external`."""
    trusted_proxies: tuple[Network, ...] = ()
    """Only from these addresses does `X-Forwarded-For` count."""
    client_certificate_header: CertificateHeaderSettings | None = None
    """Where `trusted_proxies` put the certificates of their clients; without it no header is one."""
    cors: CorsSettings = CorsSettings()
    dicom: DicomSettings | None = None
    """Where the gate speaks DIMSE; without it, it does not."""
    hl7: Hl7Settings | None = None
    """Where HL7 messages come in; without it none do."""
    dcm4chee: Dcm4cheeSettings = Dcm4cheeSettings()
    """What goes on working of a dcm4chee that the gate has replaced."""
    identity: IdentitySettings = IdentitySettings()
    """Whose word about people counts besides the gate's own accounts."""
    trail: TrailSettings
    secrets: SecretsSettings = SecretsSettings()
    """Where the key is that seals secrets in the database."""
    viewer: Path | None = None
    """Directory of an installed OHIF viewer, served at `/viewer/`."""

    @field_validator("archives")
    @classmethod
    def _archive_names(cls, value: Mapping[str, ArchiveSettings]) -> Mapping[str, ArchiveSettings]:
        for name in value:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"archive name `{name}` may hold letters, digits, `-` and `_` only")
        return value

    @field_validator("tenants")
    @classmethod
    def _tenant_names(cls, value: Mapping[str, TenantSettings]) -> Mapping[str, TenantSettings]:
        for name in value:
            if tenant_name(name) in TAKEN_TENANTS:
                raise ValueError(
                    f"`{name}` is no name for a tenant here: to `default` belongs what names no tenant, and "
                    "to `platform` nothing but people"
                )
        return value

    @field_validator("viewer")
    @classmethod
    def _viewer_is_installed(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "index.html").is_file():
            raise ValueError(f"there is no viewer in `{value}`; `pacsgate viewer install` brings one")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "Settings":
        offloading = [
            name
            for name, archive in self.archives.items()
            if isinstance(archive, OrthancArchiveSettings) and archive.offload is not None
        ]
        if offloading and not self.trusted_proxies:
            raise ValueError(
                f"`offload` of `{offloading[0]}` needs `trusted_proxies`: nginx must be among them"
            )
        if self.identity.openid and not (self.public_url or "").startswith("https://"):
            raise ValueError(
                "`identity.openid` needs `public_url` with https: providers send browsers back to it"
            )
        key = self.trail.manifest_key.resolve()
        if key.is_relative_to(self.data.resolve()):
            raise ValueError("`trail.manifest_key` must lie outside `data`, which it protects")
        if self.sealing_key_file.resolve().is_relative_to(self.data.resolve()):
            raise ValueError("`secrets.key_file` must lie outside `data`, which holds what it seals")
        return self

    @property
    def sealing_key_file(self) -> Path:
        """The keys that seal secrets in the database, with their default filled in."""
        return self.secrets.key_file or self.trail.manifest_key.with_name("secrets.key")

    @property
    def tenant_archives(self) -> TenantArchives:
        """Whose archive is whose."""
        owners = {ArchiveName(name): archive.tenant for name, archive in self.archives.items()}
        named = {DEFAULT_TENANT: self.default_archive} | {
            TenantName(name): tenant.default_archive for name, tenant in self.tenants.items()
        }
        found = TenantArchives(owners)
        chosen = {
            tenant: [ArchiveName(main)] if main is not None else found.of(TenantScope(tenant))
            for tenant, main in named.items()
        }
        return TenantArchives(
            owners, {tenant: archives[0] for tenant, archives in chosen.items() if archives}
        )

    def policy_of(self, tenant: TenantName) -> tuple[Path, tuple[ForeignPolicySettings, ...]] | None:
        """Where a tenant's policy is read from; `None` for one without policy files."""
        if tenant == DEFAULT_TENANT:
            return self.policy, self.foreign_policies
        found = self.tenants.get(tenant)
        return None if found is None or found.policy is None else (found.policy, found.foreign_policies)

    @property
    def database_url(self) -> str:
        """The database, with its default filled in."""
        return self.database or f"sqlite:///{self.data / 'pacsgate.db'}"
