"""The archives that a gate guards, and what it signs in to them with.

Called by `settings`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pacsgate.config.base import Section, refuse_half_a_pair
from pacsgate.config.dicom_peers import DicomPeerSettings
from pacsgate.config.tenants import OfATenant
from pacsgate.protocols.orthanc_plugin.purposes import Purpose

_ROOT_URL = r"^https?://[!-~]+/$"


class FolderArchiveSettings(OfATenant):
    """The embedded archive: DICOM files under a directory."""

    kind: Literal["folder"]
    path: Path
    writers: Literal["gate"] = "gate"


class BasicCredentialSettings(Section):
    """HTTP Basic towards an archive."""

    kind: Literal["basic"]
    user: str
    password_file: Path


class BearerCredentialSettings(Section):
    """A fixed bearer token towards an archive."""

    kind: Literal["bearer"]
    token_file: Path


class ClientCredentialSettings(Section):
    """OAuth 2.0 client credentials towards an archive (RFC 6749 section 4.4)."""

    kind: Literal["client-credentials"]
    token_url: str
    client_id: str
    client_secret_file: Path
    scope: str | None = None


OriginCredentialSettings = Annotated[
    BasicCredentialSettings | BearerCredentialSettings | ClientCredentialSettings, Field(discriminator="kind")
]


class HttpArchiveSettings(OfATenant):
    """What all archives over HTTP have."""

    url: str
    credentials: OriginCredentialSettings | None = None
    ca_file: Path | None = None
    """The certificate authorities to trust instead of the system's."""
    verify: bool = True
    """Whether its certificate is verified.  `false`, as `http://` to another machine, is served by
    `pacsgate serve --insecure-upstream` only."""
    certificate: Path | None = None
    """What the gate shows, if the archive asks for a certificate: PEM, with its chain."""
    key: Path | None = None
    """Its key: PEM, without a password."""
    timeout_seconds: float = Field(default=30, gt=0, le=600)

    @model_validator(mode="after")
    def _makes_sense(self) -> "HttpArchiveSettings":
        refuse_half_a_pair(certificate=self.certificate, key=self.key)
        if not self.verify and self.ca_file is not None:
            raise ValueError("`ca_file` says whom to trust, and `verify: false` to trust anybody: keep one")
        return self


class DicomWebArchiveSettings(HttpArchiveSettings):
    """Any DICOMweb origin.  `url` is its DICOMweb root, such as `https://pacs.example/dicom-web`."""

    kind: Literal["dicomweb"]
    writers: Literal["gate", "others"] = "others"
    max_staleness_seconds: float = Field(default=3600, gt=0)
    """With `writers: others`: an index row older than this is read again before it decides."""
    can_delete: bool = False
    """Whether the origin implements DELETE on DICOMweb resources (Orthanc's plugin does not)."""


class OrthancLinkSettings(Section):
    """Links that Orthanc's authorization plugin may hand out; without this section it hands out none.

    The URLs are those that browsers use, each up to and with the slash at its end.
    """

    orthanc: str = Field(pattern=_ROOT_URL)
    ohif: str | None = Field(default=None, pattern=_ROOT_URL)
    landing: str | None = Field(default=None, pattern=r"^https?://[!-~]+$")
    """The page that opens a link, such as Orthanc Explorer 2's `ui/landing/`."""
    purposes: tuple[Purpose, ...] = tuple(Purpose)
    longest_days: float = Field(default=30, gt=0, le=90)
    """After which every link ends, whatever was asked for."""


class OffloadSettings(Section):
    """Whole objects are sent by the nginx in front of the gate, which only says where they are."""

    kind: Literal["nginx"]
    location: str = Field(pattern=r"^/([A-Za-z0-9_.-]+/)+$")
    """The internal location that leads to the archive's root, such as `/_orthanc/`."""


class OrthancArchiveSettings(HttpArchiveSettings):
    """An Orthanc, through its own REST API.  `url` is that API's root, such as `http://127.0.0.1:8043`."""

    kind: Literal["orthanc"]
    writers: Literal["gate", "others"] = "others"
    """`others`: the index follows Orthanc's own log of changes."""
    max_staleness_seconds: float = Field(default=60, gt=0)
    """With `writers: others`: how far behind that log the index may be before rows are read again."""
    offload: OffloadSettings | None = None
    """For requests that come from one of `trusted_proxies`, each of which must have the location."""
    links: OrthancLinkSettings | None = None


class RetrieveBy(StrEnum):
    """How objects are fetched from an archive that speaks DIMSE."""

    GET = "get"
    """C-GET."""
    MOVE = "move"
    """C-MOVE to the gate, which the archive must know under `calling_ae_title`, at `receive_port`."""


class DimseArchiveSettings(OfATenant, DicomPeerSettings):
    """An archive that speaks DIMSE only: it answers C-FIND, and C-GET or C-MOVE."""

    kind: Literal["dimse"]
    retrieve: RetrieveBy = RetrieveBy.GET
    receive_host: str = "0.0.0.0"  # noqa: S104 - only the archive's own address is heard
    receive_port: int | None = Field(default=None, ge=1, le=65535)
    """Where the archive's own associations are awaited, with `retrieve: move`."""
    relational_queries: bool = False
    """Whether it answers for an instance without its study and series, so that a SOP Instance UID that is
    taken anywhere is found before an object is stored (PS3.4 C.4.1.2.2.2)."""
    store: bool = True
    """Whether it takes objects (C-STORE)."""
    writers: Literal["gate", "others"] = "others"
    max_staleness_seconds: float = Field(default=3600, gt=0)
    """With `writers: others`: an index row older than this is read again before it decides."""

    @model_validator(mode="after")
    def _moved_objects_have_a_place(self) -> "DimseArchiveSettings":
        if (self.retrieve is RetrieveBy.MOVE) != (self.receive_port is not None):
            raise ValueError("`retrieve: move` and `receive_port` belong together")
        return self


ArchiveSettings = Annotated[
    FolderArchiveSettings | DicomWebArchiveSettings | OrthancArchiveSettings | DimseArchiveSettings,
    Field(discriminator="kind"),
]
