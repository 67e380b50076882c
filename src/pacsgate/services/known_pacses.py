"""Every PACS of a tenant: the archives that the configuration file gives it, and those that are kept here.

One namespace: a name of the file is taken, so nothing kept can have it; if a file takes one that is kept,
the file's holds.

Called by `warrants` and the administration of PACSes; made by `bootstrap`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName, TenantName, TenantScope
from pacsgate.ports.tenants import PacsRecord, TenantStore


@dataclass(frozen=True, slots=True)
class KnownPacses:
    """The PACSes of all tenants, asked for one at a time."""

    store: TenantStore
    of_file: Mapping[TenantName, Mapping[ArchiveName, PacsRecord]]

    def pacs(self, scope: TenantScope, name: ArchiveName) -> PacsRecord | None:
        """The PACS of this name; `None` if the tenant has none."""
        return self.of_file.get(scope.tenant, {}).get(name) or self.store.pacs(scope, name)

    def pacses(self, scope: TenantScope) -> tuple[PacsRecord, ...]:
        """All of them, by name."""
        found = {record.pacs: record for record in self.store.pacses(scope)}
        found |= self.of_file.get(scope.tenant, {})
        return tuple(found[name] for name in sorted(found))
