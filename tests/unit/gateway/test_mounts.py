"""Which path belongs to which dialect and archive."""

from collections.abc import Iterable

import pytest

from pacsgate.gateway.http.mounts import Dialect, Listener, Listeners, Mount, MountTable, mount_table
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives

MAIN, OTHER, FILES = ArchiveName("main"), ArchiveName("other"), ArchiveName("files")


def table(mounts: Iterable[Mount] = (), main: ArchiveName = MAIN) -> MountTable:
    return mount_table(mounts, archives=(MAIN, OTHER, FILES), orthancs=(MAIN, OTHER), main=main)


def found(mounts: MountTable, path: str) -> tuple[str, str, str | None] | None:
    mount = mounts.find(path.encode())
    return None if mount is None else (mount.path.decode(), mount.dialect.value, mount.archive)


ROOT = Mount(b"", Dialect.ORTHANC, OTHER)
PACS = Mount(b"/pacs", Dialect.DICOMWEB, MAIN)


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/dicom-web", ("/dicom-web", "dicomweb", "main")),
        ("/dicom-web/studies", ("/dicom-web", "dicomweb", "main")),
        ("/dicom-webs", None),
        ("/dicom%2dweb/studies", None),
        ("/orthanc/", ("/orthanc", "orthanc", "main")),
        ("/orthanc/studies/x", ("/orthanc", "orthanc", "main")),
        ("/orthanc/dicom-web/studies", ("/orthanc/dicom-web", "dicomweb", "main")),
        ("/orthanc/dicom-web/servers", ("/orthanc", "orthanc", "main")),
        ("/orthanc/dicom-web/servers/x/qido", ("/orthanc", "orthanc", "main")),
        ("/orthanc/dicom-web/app/client/index.html", ("/orthanc", "orthanc", "main")),
        ("/orthanc/dicom-web/serversx", ("/orthanc/dicom-web", "dicomweb", "main")),
        ("/archives/other/orthanc/system", ("/archives/other/orthanc", "orthanc", "other")),
        ("/archives/files/dicom-web/studies", ("/archives/files/dicom-web", "dicomweb", "files")),
        ("/archives/files/orthanc/system", ("/archives/files/orthanc", "orthanc", None)),
        ("/archives/nobody/orthanc/system", ("/archives/", "orthanc", None)),
        ("/archives/nobody/dicom-web", ("/archives/", "dicomweb", None)),
        ("/archives/nobody/dicom-webs", None),
        ("/archives/nobody", None),
        ("/", None),
        ("/sign-in", None),
        ("*", None),
    ],
)
def test_every_listener_has_the_gates_own_mounts(
    path: str, mount: tuple[str, str, str | None] | None
) -> None:
    assert found(table(), path) == mount
    assert found(table([PACS]), path) == mount


def test_a_default_archive_that_is_no_orthanc_has_an_orthanc_path_that_leads_nowhere() -> None:
    assert found(table(main=FILES), "/orthanc/system") == ("/orthanc", "orthanc", None)


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/", ("", "orthanc", "other")),
        ("/app/explorer.html", ("", "orthanc", "other")),
        ("/healthz", ("", "orthanc", "other")),
        ("/sign-in", ("", "orthanc", "other")),
        ("/orthanc/studies", ("", "orthanc", "other")),
        ("/archives/main/dicom-web/studies", ("", "orthanc", "other")),
        ("/dicom-web", ("/dicom-web", "dicomweb", "other")),
        ("/dicom-web/studies", ("/dicom-web", "dicomweb", "other")),
        ("/dicom-web/servers/x", ("", "orthanc", "other")),
        ("/pacs", ("/pacs", "dicomweb", "main")),
        ("/pacs/studies", ("/pacs", "dicomweb", "main")),
        ("/pacs/servers", ("/pacs", "dicomweb", "main")),
        ("/pacsx", ("", "orthanc", "other")),
    ],
)
def test_a_listener_that_mounts_the_root_serves_its_mounts_and_nothing_else(
    path: str, mount: tuple[str, str, str]
) -> None:
    mounts = table([ROOT, PACS])
    assert found(mounts, path) == mount
    assert not mounts.has_pages


def test_the_longest_prefix_wins_whatever_the_order() -> None:
    deeper = Mount(b"/pacs/other", Dialect.DICOMWEB, OTHER)
    for given in ([PACS, deeper], [deeper, PACS]):
        assert found(table(given), "/pacs/other/studies") == ("/pacs/other", "dicomweb", "other")
        assert found(table(given), "/pacs/others") == ("/pacs", "dicomweb", "main")


def test_what_is_mounted_by_hand_goes_before_what_the_gate_mounts_by_itself() -> None:
    by_hand = Mount(b"/dicom-web", Dialect.DICOMWEB, OTHER)
    assert found(table([by_hand]), "/dicom-web/studies") == ("/dicom-web", "dicomweb", "other")
    assert found(table([ROOT, Mount(b"/dicom-web", Dialect.DICOMWEB, FILES)]), "/dicom-web/studies") == (
        "/dicom-web",
        "dicomweb",
        "files",
    )


def test_a_listener_is_known_by_the_address_that_a_connection_came_to() -> None:
    loopback, everywhere, elsewhere = table(), table([PACS]), table([ROOT])
    listeners = Listeners(
        [
            Listener("127.0.0.1", 8042, loopback),
            Listener("0.0.0.0", 9000, everywhere),  # noqa: S104 - a name, nobody listens there
            Listener("10.0.0.1", 8042, elsewhere),
        ]
    )
    assert listeners.table(("127.0.0.1", 8042)) is loopback
    assert listeners.table(("10.0.0.1", 8042)) is elsewhere
    assert listeners.table(("192.168.7.7", 9000)) is everywhere


OWN, NORTH, DOORS = (TenantScope(TenantName(name)) for name in (DEFAULT_TENANT, "north", "doors"))
FAR = ArchiveName("far")
ARCHIVES = TenantArchives(
    {**dict.fromkeys((MAIN, OTHER, FILES), OWN.tenant), FAR: NORTH.tenant},
    {OWN.tenant: FILES, NORTH.tenant: FAR},
)


@pytest.mark.parametrize(
    ("path", "own", "north"),
    [
        ("/dicom-web/studies", "files", "far"),
        ("/orthanc/studies", None, "far"),
        ("/orthanc/dicom-web/studies", None, "far"),
        ("/archives/main/orthanc/system", "main", None),
        ("/archives/main/dicom-web/studies", "main", None),
        ("/archives/far/dicom-web/studies", None, "far"),
        ("/archives/far/orthanc/dicom-web/studies", None, "far"),
        ("/archives/nobody/dicom-web/studies", None, None),
        ("/pacs/studies", "main", None),
    ],
)
def test_a_path_leads_everybody_into_archives_of_their_own_tenant(
    path: str, own: str | None, north: str | None
) -> None:
    mounts = mount_table([PACS], archives=(MAIN, OTHER, FILES, FAR), orthancs=(MAIN, OTHER, FAR), main=FILES)
    mount = mounts.find(path.encode())
    assert mount is not None
    found = [mount.archive_of(scope, ARCHIVES, {MAIN, OTHER, FAR}) for scope in (OWN, NORTH, DOORS)]
    assert found == [own, north, None]


@pytest.mark.parametrize(
    "below",
    [
        "dicom-web",
        "dicom-web/studies",
        "orthanc/system",
        "orthanc/dicom-web/studies",
        "orthanc/dicom-web/app",
    ],
)
def test_below_an_archive_that_there_is_not_every_path_is_of_the_dialect_that_it_would_be_of(
    below: str,
) -> None:
    there, nowhere = (table().find(f"/archives/{name}/{below}".encode()) for name in (MAIN, "nobody"))
    assert there is not None
    assert nowhere is not None
    assert there.dialect is nowhere.dialect
    assert nowhere in table().mounts, "its door is made once, as that of an archive is"
