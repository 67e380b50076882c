"""From the `archives` of the settings to open archives.

Called by `installation`.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, assert_never

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.dicom_peers import dicom_peer
from pacsgate.bootstrap.secret_files import read_secret
from pacsgate.config import (
    ArchiveSettings,
    BasicCredentialSettings,
    BearerCredentialSettings,
    ClientCredentialSettings,
    DicomWebArchiveSettings,
    DimseArchiveSettings,
    FolderArchiveSettings,
    OriginCredentialSettings,
    OrthancArchiveSettings,
    Settings,
)
from pacsgate.config.archives import HttpArchiveSettings
from pacsgate.model.resource import ArchiveName
from pacsgate.services.freshness import FreshnessRule
from pacsgate.upstream.dicomweb.origin import DicomWebArchive
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from pacsgate.upstream.dimse.settings import DimseSettings, ReceiveSettings
from pacsgate.upstream.folder.archive import FolderArchive
from pacsgate.upstream.http.settings import (
    BasicCredentials,
    BearerCredentials,
    ClientCredentials,
    OriginCredentials,
    OriginSettings,
)
from pacsgate.upstream.orthanc.archive import OrthancArchive
from pacsgate.upstream.spool import Spool

if TYPE_CHECKING:
    from pacsgate.upstream.dimse.archive import DimseArchive

Opened: TypeAlias = "FolderArchive | DicomWebArchive | OrthancArchive | DimseArchive"


@dataclass(frozen=True, slots=True)
class OpenArchives:
    """The archives of an installation by name, with how fresh their rows must be and where uploads wait."""

    by_name: dict[ArchiveName, Opened]
    rules: dict[ArchiveName, FreshnessRule]
    spools: dict[ArchiveName, Spool]

    @property
    def orthancs(self) -> dict[ArchiveName, OrthancArchive]:
        """Those whose REST API can be asked."""
        return {
            name: archive for name, archive in self.by_name.items() if isinstance(archive, OrthancArchive)
        }

    async def aclose(self) -> None:
        """Close what the running event loop has opened."""
        for archive in self.by_name.values():
            if isinstance(archive, DicomWebArchive | OrthancArchive):
                await archive.aclose()

    def close(self) -> None:
        """Close connections and give back workspaces."""
        for archive in self.by_name.values():
            archive.close()


def open_archives(settings: Settings) -> OpenArchives:
    """Open every configured archive.  Raises `SettingsError`; a remote one is not contacted yet."""
    by_name = {
        ArchiveName(name): _open(ArchiveName(name), archive, settings)
        for name, archive in settings.archives.items()
    }
    return OpenArchives(
        by_name,
        {ArchiveName(name): _rule(archive) for name, archive in settings.archives.items()},
        {name: archive.spool for name, archive in by_name.items()},
    )


def _open(name: ArchiveName, archive: ArchiveSettings, settings: Settings) -> Opened:
    match archive:
        case FolderArchiveSettings():
            return FolderArchive(name, archive.path)
        case DicomWebArchiveSettings():
            return DicomWebArchive(name, _dicomweb(archive), settings.data / "origins" / name, SystemClock())
        case OrthancArchiveSettings():
            return OrthancArchive(name, _orthanc(archive), settings.data / "origins" / name, SystemClock())
        case DimseArchiveSettings():
            # Its libraries take longer to import than all others together.
            from pacsgate.upstream.dimse.archive import DimseArchive  # noqa: PLC0415 - for who has such an archive

            return DimseArchive(name, _dimse(archive), settings.data / "origins" / name)
        case _:
            assert_never(archive)


def _dimse(archive: DimseArchiveSettings) -> DimseSettings:
    receive = None
    if archive.receive_port is not None:
        receive = ReceiveSettings(archive.receive_host, archive.receive_port)
    return DimseSettings(
        dicom_peer(archive),
        receive,
        relational_queries=archive.relational_queries,
        takes_objects=archive.store,
    )


def _dicomweb(archive: DicomWebArchiveSettings) -> DicomWebSettings:
    return DicomWebSettings(
        url=archive.url,
        credentials=_credentials(archive.credentials),
        ca_file=archive.ca_file,
        timeout_seconds=archive.timeout_seconds,
        verify=archive.verify,
        identity=_identity(archive),
        can_delete=archive.can_delete,
    )


def _orthanc(archive: OrthancArchiveSettings) -> OriginSettings:
    return OriginSettings(
        url=archive.url,
        credentials=_credentials(archive.credentials),
        ca_file=archive.ca_file,
        timeout_seconds=archive.timeout_seconds,
        verify=archive.verify,
        identity=_identity(archive),
    )


def _identity(archive: HttpArchiveSettings) -> tuple[Path, Path] | None:
    if archive.certificate is None or archive.key is None:
        return None
    return archive.certificate, archive.key


def _credentials(given: OriginCredentialSettings | None) -> OriginCredentials | None:
    match given:
        case None:
            return None
        case BasicCredentialSettings():
            return BasicCredentials(given.user, read_secret(given.password_file, "password"))
        case BearerCredentialSettings():
            return BearerCredentials(read_secret(given.token_file, "token"))
        case ClientCredentialSettings():
            return ClientCredentials(
                given.token_url,
                given.client_id,
                read_secret(given.client_secret_file, "client secret"),
                given.scope,
            )
        case _:
            assert_never(given)


def _rule(archive: ArchiveSettings) -> FreshnessRule:
    match archive:
        case DicomWebArchiveSettings(writers="others") | DimseArchiveSettings(writers="others"):
            return FreshnessRule(timedelta(seconds=archive.max_staleness_seconds))
        case OrthancArchiveSettings(writers="others"):
            return FreshnessRule(timedelta(seconds=archive.max_staleness_seconds), fed=True)
        case _:
            return FreshnessRule(None)
