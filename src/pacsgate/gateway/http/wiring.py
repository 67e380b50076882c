"""Everything that one HTTP worker works with, put together by `bootstrap`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pacsgate.gateway.http.agent_sightings import AgentSightings
from pacsgate.gateway.http.pacs_waiters import Waiters
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.identity.authenticate import Authenticator
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.ports import Archive, Clock, StudyIndex
from pacsgate.ports.handles import HandleStore
from pacsgate.ports.orthanc import Orthanc
from pacsgate.services.delete_resource import DeleteResource
from pacsgate.services.freshness import Freshness
from pacsgate.services.inherit_labels import InheritLabels
from pacsgate.services.label_study import LabelStudy
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.orthanc_names import OrthancNames
from pacsgate.services.orthanc_reach import OrthancReach
from pacsgate.services.resolve import Resolver
from pacsgate.services.search import Search
from pacsgate.services.search_instances import SearchInstances
from pacsgate.services.shadow_policy import ShadowPolicy
from pacsgate.services.store_instances import StoreInstances
from pacsgate.sinks.access_windows import AccessWindows
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.upstream.spool import Spool


@dataclass(frozen=True, slots=True)
class Gate:
    """The use cases and adapters that handlers reach for."""

    settings: HttpSettings
    clock: Clock
    authenticator: Authenticator
    policies: LivePolicy
    index: StudyIndex
    tenant_archives: TenantArchives
    """Whose archive is whose."""
    tenants_of_file: Sequence[TenantScope]
    """The tenants besides `default` that have policy files."""
    archives: Mapping[ArchiveName, Archive]
    orthancs: Mapping[ArchiveName, Orthanc]
    """The archives of kind `orthanc` once more, for their own dialect."""
    names: OrthancNames
    orthanc_reach: OrthancReach
    resolver: Resolver
    freshness: Freshness
    search: Search
    search_instances: SearchInstances
    store: StoreInstances
    delete: DeleteResource
    label: LabelStudy
    labels: InheritLabels
    handles: HandleStore
    trail: SegmentTrail
    windows: AccessWindows
    spools: Mapping[ArchiveName, Spool]
    """Where uploads for each archive wait: on the archive's own file system where it has one."""
    policy_refused: Callable[[TenantScope], bool]
    """Whether the newest policy files of a tenant were refused, so that an older revision is live."""
    waiters: Waiters
    """Agents and requesters who wait at this worker."""
    sightings: AgentSightings
    shadow: ShadowPolicy
    policy_pending: Callable[[TenantScope], str | None]
    """The revision of a tenant that waits for a second approver, if one does."""
