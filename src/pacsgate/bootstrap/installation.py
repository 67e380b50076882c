"""An installation, opened by one process: its database, its trail, its clock and its archives.

Called by the command line and by every process of `serve`.

Invariants:
- each process has a trail segment and a database connection pool of its own;
- `close` writes what is queued and gives everything back.
"""

import getpass
import socket
from collections.abc import Iterator
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
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.policy.policy import Policy
from pacsgate.ports.factors import Sealer
from pacsgate.ports.occurrences import Occurrences
from pacsgate.ports.orders import Orders
from pacsgate.ports.orthanc import OrthancWatch
from pacsgate.services.administration import Office
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
    scope: TenantScope
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

    def policy(self) -> Policy | None:
        """The live policy, if there is one."""
        with suppress(NoPolicyError):
            return self.policies.current(self.scope)
        return None

    @property
    def office(self) -> Office:
        """What administrative use cases work with."""
        stores = self.stores
        return Office(stores.directory, stores.outbox, self.trail, self.policy(), stores.permissions)

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
        guard = GuardKinds(stores.index, [ArchiveName(name) for name in self.settings.archives])
        review = Review(self.comparison, stores.candidates, self.settings.approval_threshold, guard)
        return PublishPolicy(
            stores.directory, stores.revisions, stores.outbox, self.trail, self.clock, review
        )

    @property
    def comparison(self) -> ComparePolicies:
        """Counts what a policy would change."""
        return ComparePolicies(
            self.stores.directory,
            self.stores.index,
            self._people,
            archives=[ArchiveName(name) for name in self.settings.archives],
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
    def orders(self) -> Orders | None:
        """The worklist that knows why studies were made."""
        if self.settings.dicom is None:
            return None
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


def open_installation(settings: Settings, process: str) -> Installation:
    """Open an installation for one process; `process` names it in the trail.  Raises `SettingsError`."""
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
    return Installation(settings, clock, database, stores, trail, policies, TenantScope(DEFAULT_TENANT))
