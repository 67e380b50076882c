from pacsgate.gateway.http.metrics import archive_label
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName
from pacsgate.model.tenant_archives import TenantArchives

MAIN, NORTH, ANNEX = map(ArchiveName, ("main", "north-oncology", "annex"))


def test_no_stranger_reads_what_the_archives_of_other_tenants_are_called() -> None:
    archives = TenantArchives({MAIN: DEFAULT_TENANT, NORTH: TenantName("north"), ANNEX: DEFAULT_TENANT})
    assert [archive_label(archives, name) for name in archives.owners] == ["main", "#2", "annex"]
