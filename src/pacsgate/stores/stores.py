"""All stores of one installation, on one database.

Called by `bootstrap`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from pacsgate.model.resource import ArchiveName
from pacsgate.ports import Directory, EpochStore, OutboxStore, RevisionStore, StudyIndex
from pacsgate.ports.access import AccessStore
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.assertions import UsedAssertions
from pacsgate.ports.candidates import CandidateStore
from pacsgate.ports.factors import Challenges, Factors
from pacsgate.ports.feeds import FeedStore
from pacsgate.ports.groups import Groups
from pacsgate.ports.handles import HandleStore
from pacsgate.ports.identity_sources import IdentityLinks
from pacsgate.ports.locks import Locks
from pacsgate.ports.notices import Notices
from pacsgate.ports.pacs_queue import PacsQueue
from pacsgate.ports.pacs_reports import PacsReports
from pacsgate.ports.shares import ShareStore
from pacsgate.ports.sightings import Sightings
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.ports.tenants import TenantStore
from pacsgate.stores.access.store import SqlAccessStore
from pacsgate.stores.agents.reports import SqlPacsReports
from pacsgate.stores.candidates import SqlCandidates
from pacsgate.stores.database import Database
from pacsgate.stores.directory import SqlDirectory
from pacsgate.stores.epochs import open_epochs
from pacsgate.stores.feeds import SqlFeeds
from pacsgate.stores.notices import SqlNotices
from pacsgate.stores.outbox import SqlOutbox
from pacsgate.stores.owned_handles import SqlHandles
from pacsgate.stores.pacs_queue.queue import SqlPacsQueue
from pacsgate.stores.people.application_entities import SqlApplicationEntities
from pacsgate.stores.people.challenges import SqlChallenges
from pacsgate.stores.people.factors import SqlFactors
from pacsgate.stores.people.groups import SqlGroups
from pacsgate.stores.people.identity_links import SqlIdentityLinks
from pacsgate.stores.people.locks import SqlLocks
from pacsgate.stores.people.sightings import SqlSightings
from pacsgate.stores.people.used_assertions import SqlUsedAssertions
from pacsgate.stores.permissions import SqlStudyPermissions
from pacsgate.stores.revisions import SqlRevisions
from pacsgate.stores.shares import SqlShares
from pacsgate.stores.study_index import SqlStudyIndex
from pacsgate.stores.tenants import SqlTenants


@dataclass(frozen=True, slots=True)
class Stores:
    """The adapters behind the ports that stand on a database."""

    index: StudyIndex
    directory: Directory
    remote_aes: ApplicationEntities
    used_assertions: UsedAssertions
    identity_links: IdentityLinks
    factors: Factors
    challenges: Challenges
    locks: Locks
    groups: Groups
    permissions: StudyPermissions
    outbox: OutboxStore
    notices: Notices
    reports: PacsReports
    queue: PacsQueue
    revisions: RevisionStore
    candidates: CandidateStore
    handles: HandleStore
    shares: ShareStore
    sightings: Sightings
    epochs: EpochStore
    feeds: FeedStore
    access: AccessStore
    tenants: TenantStore


def stores_on(database: Database, orthanc_archives: Collection[ArchiveName] = frozenset()) -> Stores:
    """The stores of an open database; the index keeps the identifiers of these archives."""
    return Stores(
        index=SqlStudyIndex(database, orthanc_archives),
        directory=SqlDirectory(database),
        remote_aes=SqlApplicationEntities(database),
        used_assertions=SqlUsedAssertions(database),
        identity_links=SqlIdentityLinks(database),
        factors=SqlFactors(database),
        challenges=SqlChallenges(database),
        locks=SqlLocks(database),
        groups=SqlGroups(database),
        permissions=SqlStudyPermissions(database, orthanc_archives),
        outbox=SqlOutbox(database),
        notices=SqlNotices(database),
        reports=SqlPacsReports(database),
        queue=SqlPacsQueue(database),
        revisions=SqlRevisions(database),
        candidates=SqlCandidates(database),
        handles=SqlHandles(database),
        shares=SqlShares(database),
        sightings=SqlSightings(database),
        epochs=open_epochs(database),
        feeds=SqlFeeds(database),
        access=SqlAccessStore(database),
        tenants=SqlTenants(database),
    )
