"""Which path of which listener belongs to which dialect and archive.

A listener has the gate's own mounts (`/dicom-web` and `/orthanc` of the main archive of whoever asks, and
`/archives/{archive}/…` of each), and those that its configuration adds, so that clients
keep the URLs they had.  The longest prefix wins.  Below every Orthanc its DICOMweb
plugin is where its users expect it, `/dicom-web`; of that, `/servers`, `/app` and `/info` are Orthanc's own.

A listener that mounts `/` serves its mounts and nothing else: no path there is a page of the gate.

Called by `app`; read by `config`, which refuses mounts that could mean two things.

Invariants:
- a path belongs to a mount only if the prefix is spelled plainly; a percent-encoded spelling is not it;
- what the configuration mounts goes before what the gate mounts by itself;
- below the mount of another tenant's archive there is what there is below that of no archive.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives

_DICOMWEB = b"/dicom-web"
_ORTHANC = b"/orthanc"
_ARCHIVES = b"/archives/"
_OF_THE_PLUGIN = tuple(_DICOMWEB + part for part in (b"/servers", b"/app", b"/info"))
"""Of Orthanc's own API, though its plugin has it below DICOMweb: other archives, and a page for them."""

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


class Dialect(StrEnum):
    """What is spoken below a mount."""

    DICOMWEB = "dicomweb"
    ORTHANC = "orthanc"


@dataclass(frozen=True, slots=True)
class Mount:
    """One dialect of one archive below one path, which is empty for `/`.

    `archive` is `None` where there is none that speaks the dialect: authenticated, then not found.
    """

    path: bytes
    dialect: Dialect
    archive: ArchiveName | None
    main_of: Dialect | None = None
    """If not `None`, the main archive of whoever asks is meant, provided that it speaks this dialect;
    `archive` is then that of the tenant `default`."""

    def archive_of(
        self, scope: TenantScope, archives: TenantArchives, orthancs: Container[ArchiveName]
    ) -> ArchiveName | None:
        """The archive here of one tenant's people."""
        if self.main_of is None:
            archive = self.archive
        else:
            archive = archives.main(scope)
            if self.main_of is Dialect.ORTHANC and archive not in orthancs:
                return None
        return archive if archive is not None and archives.has(scope, archive) else None


_NOWHERE = {
    start: Mount(_ARCHIVES, dialect, None)
    for dialect, starts in {
        Dialect.DICOMWEB: (_DICOMWEB, _ORTHANC + _DICOMWEB),
        Dialect.ORTHANC: (_ORTHANC, *(_ORTHANC + part for part in _OF_THE_PLUGIN)),
    }.items()
    for start in starts
}
"""What every archive that there is not has below its name, dialect by dialect as one that there is."""


@dataclass(frozen=True, slots=True)
class MountTable:
    """The mounts of one listener."""

    _by_prefix: Mapping[bytes, Mount]
    has_pages: bool
    """Whether a path below no mount may be a page of the gate."""
    public_url: str | None = None
    """How clients reach this listener, where that is said: the start of links below its mounts."""
    only_redirects: bool = False
    """Whether every request is shown the way to `public_url`, and nothing is served."""

    @property
    def is_strict(self) -> bool:
        """Whether clients are to reach this listener by HTTPS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    def find(self, raw_path: bytes) -> Mount | None:
        """The mount with the longest prefix; `None` if there is none."""
        for prefix in _prefixes(raw_path):
            mount = self._by_prefix.get(prefix)
            if mount is not None:
                return mount
        return _unknown_archive(raw_path) if self.has_pages else None

    @property
    def mounts(self) -> frozenset[Mount]:
        """Every mount, once."""
        return frozenset((*self._by_prefix.values(), *_NOWHERE.values()))


def mount_table(
    configured: Iterable[Mount],
    *,
    archives: Iterable[ArchiveName],
    orthancs: Iterable[ArchiveName],
    main: ArchiveName,
    public_url: str | None = None,
    only_redirects: bool = False,
) -> MountTable:
    """The mounts of a listener: the configured ones, and unless one of them is `/` the gate's own."""
    given = tuple(configured)
    has_pages = all(mount.path for mount in given)
    own = tuple(_own(frozenset(archives), frozenset(orthancs), main)) if has_pages else ()
    by_prefix: dict[bytes, Mount] = {}
    # Who comes first keeps a prefix: configured mounts, then what lies below them, then the gate's own.
    for mounts in (given, own):
        for mount in (*mounts, *_below(mounts)):
            by_prefix.setdefault(mount.path, mount)
    for mount in (*given, *own):
        for added in _OF_THE_PLUGIN if mount.dialect is Dialect.ORTHANC else ():
            by_prefix.setdefault(mount.path + added, mount)
    return MountTable(by_prefix, has_pages, public_url, only_redirects)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening address as the system gave it, and the mounts there."""

    host: str
    port: int
    table: MountTable


@dataclass(slots=True)
class Listeners:
    """The listeners of one worker, told apart by the address that a connection came to."""

    listeners: Sequence[Listener]
    _known: dict[tuple[str, int | None], MountTable] = field(default_factory=dict)

    def table(self, server: tuple[str, int | None]) -> MountTable:
        """The mounts at the local address of a connection."""
        known = self._known.get(server)
        if known is None:
            known = self._known[server] = self._look(server)
        return known

    def _look(self, server: tuple[str, int | None]) -> MountTable:
        host, port = server
        at_port = [listener for listener in self.listeners if listener.port == port]
        exact = [listener for listener in at_port if listener.host == host]
        everywhere = [listener for listener in at_port if listener.host in _EVERYWHERE]
        return (exact or everywhere or at_port or list(self.listeners))[0].table


def _own(
    archives: frozenset[ArchiveName], orthancs: frozenset[ArchiveName], main: ArchiveName
) -> Iterator[Mount]:
    def orthanc(path: bytes, archive: ArchiveName, main_of: Dialect | None = None) -> Mount:
        return Mount(path + _ORTHANC, Dialect.ORTHANC, archive if archive in orthancs else None, main_of)

    yield Mount(_DICOMWEB, Dialect.DICOMWEB, main, Dialect.DICOMWEB)
    yield orthanc(b"", main, Dialect.ORTHANC)
    for archive in sorted(archives):
        path = _ARCHIVES + archive.encode("ascii")
        yield Mount(path + _DICOMWEB, Dialect.DICOMWEB, archive)
        yield orthanc(path, archive)


def _below(mounts: Iterable[Mount]) -> Iterator[Mount]:
    """The DICOMweb of each Orthanc."""
    for mount in mounts:
        if mount.dialect is Dialect.ORTHANC:
            yield Mount(mount.path + _DICOMWEB, Dialect.DICOMWEB, mount.archive, mount.main_of)


def _prefixes(raw_path: bytes) -> Iterator[bytes]:
    """What a path may be below, longest first: itself, and what stands before each of its slashes."""
    end = len(raw_path)
    while end >= 0:
        yield raw_path[:end]
        end = raw_path.rfind(b"/", 0, end)


def _unknown_archive(raw_path: bytes) -> Mount | None:
    """Where an archive would be if it were configured: whoever asks is authenticated first."""
    if not raw_path.startswith(_ARCHIVES):
        return None
    _, _, rest = raw_path[len(_ARCHIVES) :].partition(b"/")
    return next((_NOWHERE[start] for start in _prefixes(b"/" + rest) if start in _NOWHERE), None)
