"""A whole installation, as its file says it.

Called by `reading`, and by `bootstrap` in what it returns.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from pacsgate.config.archives import ArchiveSettings, OrthancArchiveSettings
from pacsgate.config.base import Section
from pacsgate.config.certificates import CertificateHeaderSettings
from pacsgate.config.dicom import DicomSettings
from pacsgate.config.hl7 import Dcm4cheeSettings, Hl7Settings
from pacsgate.config.identity import IdentitySettings
from pacsgate.config.listeners import ListenerSettings
from pacsgate.config.secrets import SecretsSettings
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.foreign.reading import ForeignFormat

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ForeignPolicySettings(Section):
    """One policy file in the words of another system; docs/foreign-policies.md says how each is read."""

    format: ForeignFormat
    path: Path


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
    """The archive behind `/dicom-web`; may be left out when there is only one."""
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

    @field_validator("viewer")
    @classmethod
    def _viewer_is_installed(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "index.html").is_file():
            raise ValueError(f"there is no viewer in `{value}`; `pacsgate viewer install` brings one")
        return value

    @model_validator(mode="after")
    def _default_archive_exists(self) -> "Settings":
        if self.default_archive is None and len(self.archives) > 1:
            raise ValueError("`default_archive` must name one of several `archives`")
        if self.default_archive is not None and self.default_archive not in self.archives:
            raise ValueError(
                f"`default_archive` names `{self.default_archive}`, which is not among `archives`"
            )
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
    def main_archive(self) -> ArchiveName:
        """The archive behind `/dicom-web`."""
        return ArchiveName(self.default_archive or next(iter(self.archives)))

    @property
    def database_url(self) -> str:
        """The database, with its default filled in."""
        return self.database or f"sqlite:///{self.data / 'pacsgate.db'}"
