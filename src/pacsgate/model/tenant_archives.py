"""Whose archive is whose: the one table that leads from an archive to its tenant and back.

An archive belongs to one tenant for good, as the configuration says.  A tenant may have none: it has doors
only, or was registered a moment ago.

Made by `config` from the settings; asked by every door and job before an archive is touched.

Invariants:
- another's archive is to a tenant what one is that does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope

NO_ARCHIVE = ArchiveName("")
"""The main archive of a tenant without any.  No archive is called so, and nothing is ever found in it."""


@dataclass(frozen=True, slots=True)
class TenantArchives:
    """The archives of every tenant."""

    owners: Mapping[ArchiveName, TenantName]
    """Every archive, in configured order."""
    mains: Mapping[TenantName, ArchiveName] = field(default_factory=dict)
    """The archive behind `/dicom-web` and `/orthanc`, for the people of each tenant."""

    def of(self, scope: TenantScope) -> tuple[ArchiveName, ...]:
        """The archives of a tenant."""
        return tuple(name for name, owner in self.owners.items() if owner == scope.tenant)

    def main(self, scope: TenantScope) -> ArchiveName:
        """The archive that a tenant's people mean where they name none; `NO_ARCHIVE` if there is none."""
        return self.mains.get(scope.tenant, NO_ARCHIVE)

    def has(self, scope: TenantScope, archive: ArchiveName) -> bool:
        """Whether an archive is this tenant's."""
        return self.owners.get(archive) == scope.tenant

    def scope_of(self, archive: ArchiveName) -> TenantScope:
        """The tenant whose archive this is.  Raises `KeyError` for one that is not configured."""
        return TenantScope(self.owners[archive])


def of_one_tenant(*archives: ArchiveName) -> TenantArchives:
    """Archives that are all of the tenant `default`, the first being its main one."""
    return TenantArchives(
        dict.fromkeys(archives, DEFAULT_TENANT), {DEFAULT_TENANT: archives[0]} if archives else {}
    )
