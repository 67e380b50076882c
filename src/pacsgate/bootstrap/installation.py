"""An installation, opened by one process: its database, its trail, its clock and its archives.

Called by the command line and by every process of `serve`.

Invariants:
- each process has a trail segment and a database connection pool of its own;
- `close` writes what is queued and gives everything back.
"""

import getpass
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.config import Settings
from pacsgate.gateway.http.settings import EXTERNAL
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.subjects import fully_proven, subject_of
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import (
    DEFAULT_TENANT,
    PLATFORM_TENANT,
    ArchiveName,
    TenantName,
    TenantScope,
)
from pacsgate.model.subject import Credential, Subject
from pacsgate.model.tenant_archives import TenantArchives
from pacsgate.policy.policy import Policy
from pacsgate.ports.factors import Sealer
from pacsgate.ports.occurrences import Occurrences
from pacsgate.ports.orders import Orders
from pacsgate.ports.orthanc import OrthancWatch
from pacsgate.services.administration import Office
from pacsgate.services.begin_tenant import BeginTenant
from pacsgate.services.call_counts import CallCounter
from pacsgate.services.compare_policies import ComparePolicies
from pacsgate.services.decide_filters import DecideFilters
from pacsgate.services.feed_currency import FeedCurrency
from pacsgate.services.freshness import Freshness
from pacsgate.services.guard_kinds import GuardKinds
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.inherit_labels import InheritLabels
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.publish_policy import PublishPolicy, Review
from pacsgate.services.search_instances import SearchInstances
from pacsgate.services.sync_index import SyncIndex
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.stores import Stores, stores_on

if TYPE_CHECKING:
    from pacsgate.bootstrap.archives import OpenArchives
    from pacsgate.stylesheets.runner import StylesheetRunner


def orthancs_in(settings: Settings) -> frozenset[ArchiveName]:
    """The archives whose own identifiers the index keeps."""
    return frozenset(
        ArchiveName(name) for name, archive in settings.archives.items() if archive.kind == "orthanc"
    )


def trail_directory(settings: Settings) -> Path:
    """Where the segments and manifests of the trail are."""
    return settings.data / "trail"


@dataclass(slots=True)
class Installation:
    """The open parts of an installation, and the use cases that need no door.  A context manager."""

    settings: Settings
    clock: SystemClock
    database: Database
    stores: Stores
    trail: SegmentTrail
    policies: LivePolicy
    calls: CallCounter
    """How often tenants call, as far as this process has not written it yet."""
    scope: TenantScope
    """The tenant that one command works for.  What serves all of them asks `scopes`."""
    _archives: "OpenArchives | None" = None
    _stylesheets: "StylesheetRunner | None" = None
    _opening: Lock = field(default_factory=Lock)

    @property
    def archives(self) -> "OpenArchives":
        """The archives, opened at first use: most commands never touch them."""
        from pacsgate.bootstrap.archives import open_archives  # noqa: PLC0415 - imports as much as the rest

        with self._opening:  # crawls are threads, and begin together
            if self._archives is None:
                self._archives = open_archives(self.settings)
            return self._archives

    def scopes(self) -> tuple[TenantScope, ...]:
        """Every tenant: those that are registered now, and those that the configuration names."""
        named = {*self.stores.tenants.tenants(), *map(TenantName, self.settings.tenants)}
        return tuple(map(TenantScope, sorted(named | {DEFAULT_TENANT, PLATFORM_TENANT})))

    def policy(self) -> Policy | None:
        """The live policy of this command's tenant, if there is one."""
        return self.policy_of(self.scope)

    def policy_of(self, scope: TenantScope) -> Policy | None:
        """The live policy of a tenant, if there is one."""
        with suppress(NoPolicyError):
            return self.policies.current(scope)
        return None

    @property
    def tenant_archives(self) -> TenantArchives:
        """Whose archive is whose."""
        return self.settings.tenant_archives

    @property
    def main_archive(self) -> ArchiveName:
        """The archive behind `/dicom-web` for this command's tenant."""
        return self.tenant_archives.main(self.scope)

    @property
    def office(self) -> Office:
        """What administrative use cases work with, in any tenant."""
        stores = self.stores
        return Office(stores.directory, stores.outbox, self.trail, self.policy_of, stores.permissions)

    def actor(self) -> Actor:
        """Whoever works at the command line of this machine, as the trail names them."""
        return Actor(f"local:{getpass.getuser()}", verified=True, credential="local")

    @property
    def sealer(self) -> Sealer:
        """Seals secrets before they are kept, and opens them."""
        from pacsgate.identity.sealing import FileSealer  # noqa: PLC0415 - most commands seal nothing

        return FileSealer(self.settings.sealing_key_file)

    @property
    def indexer(self) -> ObjectIndexer:
        """Puts objects into the index."""
        return ObjectIndexer(self.stores.index, self.policies, self.trail, self.clock, self.labels)

    @property
    def labels(self) -> InheritLabels:
        """Carries labels over to what is made from a study."""
        return InheritLabels(self.stores.index, self.watches, self.clock)

    @property
    def watches(self) -> dict[ArchiveName, OrthancWatch]:
        """What tells of each Orthanc what has become of it."""
        if not orthancs_in(self.settings):
            return {}  # most commands never touch an archive
        from pacsgate.upstream.orthanc.watch import RestWatch  # noqa: PLC0415 - as `archives`

        return {name: RestWatch(archive) for name, archive in self.archives.orthancs.items()}

    @property
    def publisher(self) -> PublishPolicy:
        """Activates policies."""
        stores = self.stores
        guard = GuardKinds(stores.index, self.tenant_archives)
        review = Review(self.comparison, stores.candidates, self.settings.approval_threshold, guard)
        return PublishPolicy(
            stores.directory, stores.revisions, stores.outbox, self.trail, self.clock, review
        )

    @property
    def beginning(self) -> BeginTenant:
        """Gives new tenants their first policy."""
        stores = self.stores
        registrators = self.settings.registrators
        return BeginTenant(stores.tenants, stores.revisions, self.publisher, registrators)

    @property
    def comparison(self) -> ComparePolicies:
        """Counts what a policy would change."""
        return ComparePolicies(
            self.stores.directory,
            self.stores.index,
            self._people,
            archives=self.tenant_archives,
            networks=[*self.settings.networks, EXTERNAL],
        )

    @property
    def sync(self) -> SyncIndex:
        """Fills the index from an archive."""
        return SyncIndex(self.stores.index, self.archives.by_name, self.indexer, self.freshness, self.clock)

    @property
    def freshness(self) -> Freshness:
        """Keeps rows of archives that others write to within their staleness."""
        archives = self.archives
        return Freshness(
            self.stores.index,
            archives.by_name,
            archives.rules,
            self.indexer,
            self.clock,
            self.stores.epochs,
            FeedCurrency(self.stores.feeds, self.clock),
        )

    @property
    def filters(self) -> DecideFilters:
        """Asks instances what the live policy's filters have not asked them yet."""
        return DecideFilters(self.stores.index, self.policies, self.freshness)

    @property
    def search_instances(self) -> SearchInstances:
        """Answers instance queries."""
        return SearchInstances(self.stores.index, self.archives.by_name, self.freshness, self.clock)

    @property
    def occurrences(self) -> Occurrences:
        """Whoever derives permissions from what happens."""
        from pacsgate.bootstrap.listeners import Listeners, grant_rules  # noqa: PLC0415 - as `archives`
        from pacsgate.bootstrap.occurrences import (  # noqa: PLC0415 - most commands never store
            dcm4chee_listeners,
            stylesheet_runner,
        )

        with self._opening:
            if self._stylesheets is None:
                self._stylesheets = stylesheet_runner(self.settings.dcm4chee.stylesheets)
            listeners = (*dcm4chee_listeners(self, self._stylesheets), grant_rules(self))
        return Listeners(listeners, self.trail)

    @property
    def orders(self) -> Mapping[TenantScope, Orders]:
        """The worklist that knows why studies of one tenant were made."""
        if self.settings.dicom is None:
            return {}
        from pacsgate.bootstrap.dicom_clients import orders  # noqa: PLC0415 - most commands never store

        return orders(self.settings.dicom)

    def _people(self, scope: TenantScope, at: datetime) -> Iterator[Subject]:
        """Every account that somebody may come in as, as if it had just signed in."""
        for record in self.stores.directory.users(scope):
            if record.is_live(at):
                yield fully_proven(
                    subject_of(record, scope.tenant, Credential.PASSWORD, authenticated_at=at), at
                )

    def close(self) -> None:
        """Write what is queued and close everything."""
        try:
            self.calls.write()
        finally:
            self.trail.close()
            self.database.close()
            if self._archives is not None:
                self._archives.close()
            if self._stylesheets is not None:
                self._stylesheets.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_installation(settings: Settings, process: str, tenant: TenantName = DEFAULT_TENANT) -> Installation:
    """Open an installation for one process, which `process` names in the trail.

    `tenant` is whom a command works for.  Raises `SettingsError`.
    """
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make the data directory `{settings.data}`: {error.strerror}") from error
    clock = SystemClock()
    database = open_database(settings.database_url)
    stores = stores_on(database, orthancs_in(settings))
    trail = SegmentTrail(trail_directory(settings), clock, process=process, host=socket.gethostname())
    latest = LatestTime(trail.last_recorded_at or clock.now())
    policies = LivePolicy(stores.epochs, stores.revisions, stores.directory, latest.at)
    calls = CallCounter(stores.tenants, clock)
    return Installation(settings, clock, database, stores, trail, policies, calls, TenantScope(tenant))
