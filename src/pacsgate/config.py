"""One file configures an installation: `pacsgate.yaml`, read once into frozen settings.

Every problem is reported at once, with file, line and column; unknown keys are
errors.  Relative paths are relative to the file.  Secrets are never written in
the file itself: it names the file that holds each.

Called by `bootstrap` and by `pacsgate config check`.
"""

import difflib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pacsgate.model.errors import Diagnostic, SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.foreign.reading import ForeignFormat

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListenerSettings(_Settings):
    """One HTTP listener.  Port 0 asks the system for a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8042, ge=0, le=65535)


class FolderArchiveSettings(_Settings):
    """The embedded archive: DICOM files under a directory."""

    kind: Literal["folder"]
    path: Path
    writers: Literal["gate"] = "gate"


class BasicCredentialSettings(_Settings):
    """HTTP Basic towards an archive."""

    kind: Literal["basic"]
    user: str
    password_file: Path


class BearerCredentialSettings(_Settings):
    """A fixed bearer token towards an archive."""

    kind: Literal["bearer"]
    token_file: Path


class ClientCredentialSettings(_Settings):
    """OAuth 2.0 client credentials towards an archive (RFC 6749 section 4.4)."""

    kind: Literal["client-credentials"]
    token_url: str
    client_id: str
    client_secret_file: Path
    scope: str | None = None


OriginCredentialSettings = Annotated[
    BasicCredentialSettings | BearerCredentialSettings | ClientCredentialSettings, Field(discriminator="kind")
]


class DicomWebArchiveSettings(_Settings):
    """Any DICOMweb origin.  `url` is its DICOMweb root, such as `https://pacs.example/dicom-web`."""

    kind: Literal["dicomweb"]
    url: str
    credentials: OriginCredentialSettings | None = None
    ca_file: Path | None = None
    """The certificate authorities to trust instead of the system's."""
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    writers: Literal["gate", "others"] = "others"
    max_staleness_seconds: float = Field(default=3600, gt=0)
    """With `writers: others`: an index row older than this is read again before it decides."""
    can_delete: bool = False
    """Whether the origin implements DELETE on DICOMweb resources (Orthanc's plugin does not)."""


ArchiveSettings = Annotated[FolderArchiveSettings | DicomWebArchiveSettings, Field(discriminator="kind")]


class ForeignPolicySettings(_Settings):
    """One policy file in the words of another system; docs/foreign-policies.md says how each is read."""

    format: ForeignFormat
    path: Path


class CorsSettings(_Settings):
    """Which browser origins may call the gate from other pages.  Empty: none."""

    origins: tuple[str, ...] = ()


class TrailSettings(_Settings):
    """Where manifests of the trail get their signature from."""

    manifest_key: Path
    """Ed25519 private key, outside the data directory."""


class Settings(_Settings):
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
    cors: CorsSettings = CorsSettings()
    trail: TrailSettings
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
        key = self.trail.manifest_key.resolve()
        if key.is_relative_to(self.data.resolve()):
            raise ValueError("`trail.manifest_key` must lie outside `data`, which it protects")
        return self

    @property
    def main_archive(self) -> ArchiveName:
        """The archive behind `/dicom-web`."""
        return ArchiveName(self.default_archive or next(iter(self.archives)))

    @property
    def database_url(self) -> str:
        """The database, with its default filled in."""
        return self.database or f"sqlite:///{self.data / 'pacsgate.db'}"


def read_settings(path: Path) -> Settings:
    """Read and validate a configuration file; raises `SettingsError` naming every problem and its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read the configuration file `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read the configuration file `{path}`: it is not UTF-8 text") from error
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise SettingsError(f"{path}:{line}:{column}: not valid YAML: {error.problem}") from error
    except (YAMLError, AssertionError) as error:  # ruamel.yaml asserts on versions that it does not know
        raise SettingsError(
            f"{path}: not valid YAML: it holds characters that no YAML file may hold"
        ) from error
    if not isinstance(document, Mapping):
        raise SettingsError(f"{path}:1:1: the file must hold a mapping of settings")
    base = path.resolve().parent
    try:
        return Settings.model_validate(_absolute(document, base))
    except ValidationError as error:
        problems = sorted(_diagnostics(error, document, str(path)), key=lambda d: (d.line, d.column))
        raise SettingsError("\n".join(str(problem) for problem in problems)) from error


_PATH_KEYS = frozenset(
    {
        "data",
        "policy",
        "path",
        "manifest_key",
        "password_file",
        "token_file",
        "client_secret_file",
        "ca_file",
        "viewer",
    }
)


def _absolute(node: Any, base: Path) -> Any:
    """The document with its relative paths resolved against the file's directory."""
    if isinstance(node, Mapping):
        return {
            key: str(base / value) if key in _PATH_KEYS and isinstance(value, str) else _absolute(value, base)
            for key, value in node.items()
        }
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_absolute(item, base) for item in node]
    return node


def _diagnostics(error: ValidationError, document: Any, file: str) -> Iterator[Diagnostic]:
    for problem in error.errors():
        location = problem["loc"]
        line, column = _place(document, location)
        suggestion = None
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = _known_keys(location[:-1])
            close = difflib.get_close_matches(str(location[-1]), known, n=1)
            message = f"unknown key `{location[-1]}`"
            suggestion = f"did you mean `{close[0]}`?" if close else None
        elif location:
            message = f"`{'.'.join(str(part) for part in location)}`: {message[:1].lower()}{message[1:]}"
        yield Diagnostic(file, line, column, message, suggestion)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Keys that could have been meant; all names of all settings serve, since only a close one is shown."""
    models: tuple[type[BaseModel], ...] = (
        Settings,
        ListenerSettings,
        FolderArchiveSettings,
        DicomWebArchiveSettings,
        ForeignPolicySettings,
        CorsSettings,
        TrailSettings,
        BasicCredentialSettings,
        BearerCredentialSettings,
        ClientCredentialSettings,
    )
    chosen = models[:1] if not location else models[1:]
    return [name for model in chosen for name in model.model_fields]


def _place(document: Any, location: tuple[int | str, ...]) -> tuple[int, int]:
    """Line and column (from 1) of the deepest part of a location that the file really holds."""
    line, column = 1, 1
    node: Any = document
    for part in location:
        try:
            position = node.lc.key(part) if hasattr(node, "keys") else node.lc.item(part)
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            continue  # discriminators of unions appear in locations but not in files
        line, column = position[0] + 1, position[1] + 1
    return line, column
