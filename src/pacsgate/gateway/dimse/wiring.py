"""Everything that the DICOM door works with, put together by `bootstrap`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.gateway.dimse.settings import DimseSettings
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import AccessWindows, Accounts, Archive, Clock, StudyIndex, Trail
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.associations import AssociationDoor
from pacsgate.ports.commitment_reports import CommitmentReports
from pacsgate.ports.occurrences import Occurrences
from pacsgate.ports.sending import Destinations
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.ports.worklist import Worklist
from pacsgate.services.commit_storage import CommitStorage
from pacsgate.services.freshness import Freshness
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.relay_procedure_steps import RelayProcedureSteps
from pacsgate.services.resolve import Resolver
from pacsgate.services.search import Search
from pacsgate.services.shadow_policy import ShadowPolicy
from pacsgate.services.store_instances import StoreInstances
from pacsgate.upstream.spool import Spool


@dataclass(frozen=True, slots=True)
class DimseGate:
    """The use cases and adapters that the handlers reach for."""

    settings: DimseSettings
    clock: Clock
    door: AssociationDoor
    policies: LivePolicy
    shadow: ShadowPolicy
    index: StudyIndex
    archives: Mapping[ArchiveName, Archive]
    spools: Mapping[ArchiveName, Spool]
    resolver: Resolver
    freshness: Freshness
    search: Search
    store: StoreInstances
    remote_aes: ApplicationEntities
    accounts: Accounts
    destinations: Destinations
    worklists: Mapping[TenantScope, Worklist]
    """Of the tenants that have one: for others the service is not negotiated."""
    permissions: StudyPermissions
    occurrences: Occurrences
    trail: Trail
    windows: AccessWindows
    commit_storage: CommitStorage
    commitment_reports: CommitmentReports
    procedure_steps: Mapping[TenantScope, RelayProcedureSteps]
    """Of the tenants for whom somebody keeps them: for others the service is not negotiated."""
