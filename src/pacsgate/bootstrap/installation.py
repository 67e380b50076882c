"""An installation, opened by one process: its database, its trail, its clock and its archives.

Called by the command line and by every process of `serve`.

Invariants:
- each process has a trail segment and a database connection pool of its own;
- `close` writes what is queued and gives everything back.
"""

import getpass
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.archives import OpenArchives, open_archives
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.config import Settings
from pacsgate.identity.latest_time import LatestTime
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.policy.policy import Policy
from pacsgate.services.freshness import Freshness
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.services.live_policy import LivePolicy, NoPolicyError
from pacsgate.services.publish_policy import PublishPolicy
from pacsgate.services.sync_index import SyncIndex
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.stores.database import Database, open_database
from pacsgate.stores.stores import Stores, stores_on


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
    _archives: OpenArchives | None = None
    _opening: Lock = field(default_factory=Lock)

    @property
    def archives(self) -> OpenArchives:
        """The archives, opened at first use: most commands never touch them."""
        with self._opening:  # crawls are threads, and begin together
            if self._archives is None:
                self._archives = open_archives(self.settings)
            return self._archives

    def policy(self) -> Policy | None:
        """The live policy, if there is one."""
        with suppress(NoPolicyError):
            return self.policies.current(self.scope)
        return None

    def actor(self) -> Actor:
        """Whoever works at the command line of this machine, as the trail names them."""
        return Actor(f"local:{getpass.getuser()}", verified=True, credential="local")

    @property
    def indexer(self) -> ObjectIndexer:
        """Puts objects into the index."""
        return ObjectIndexer(self.stores.index, self.policies, self.trail, self.clock)

    @property
    def publisher(self) -> PublishPolicy:
        """Activates policies."""
        stores = self.stores
        return PublishPolicy(stores.directory, stores.revisions, stores.outbox, self.trail, self.clock)

    @property
    def sync(self) -> SyncIndex:
        """Fills the index from an archive."""
        return SyncIndex(self.stores.index, self.archives.by_name, self.indexer, self.freshness, self.clock)

    @property
    def freshness(self) -> Freshness:
        """Keeps rows of archives that others write to within their staleness."""
        archives = self.archives
        return Freshness(self.stores.index, archives.by_name, archives.rules, self.indexer, self.clock)

    def close(self) -> None:
        """Write what is queued and close everything."""
        self.trail.close()
        self.database.close()
        if self._archives is not None:
            self._archives.close()

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
    stores = stores_on(database)
    trail = SegmentTrail(trail_directory(settings), clock, process=process, host=socket.gethostname())
    latest = LatestTime(trail.last_recorded_at or clock.now())
    policies = LivePolicy(stores.epochs, stores.revisions, stores.directory, latest.at)
    return Installation(settings, clock, database, stores, trail, policies, TenantScope(DEFAULT_TENANT))
