"""An installation without doors in front of a real Orthanc, whose feed is polled by hand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pacsgate.bootstrap.feeds import open_feed
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.config import read_settings
from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import StudyEntry
from pacsgate.ports.feeds import FeedState
from pacsgate.services.feed import Feed, Told
from pacsgate.services.orthanc_names import OrthancNames
from pacsgate.services.orthanc_reach import OrthancReach
from pacsgate.services.resolve import Reach, Refusal, Resolver
from pacsgate.services.sync_index import SyncProgress
from tests.support.guarded_orthanc import orthanc_settings
from tests.support.installed import bound, main_archive
from tests.support.origin_hospital import make_origin_installation
from tests.support.orthanc import Orthanc

LASTING = 3
"""Polls that must see a difference in counts before it is looked into."""


@dataclass
class Fed:
    """The installation, its feed, and what that has said."""

    opened: Installation
    said: list[str] = field(default_factory=list)
    crawled: list[SyncProgress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = self.new_feed()
        self.freshness = self.opened.freshness
        self.names = OrthancNames(self.opened.stores.index, self.opened.watches, self.freshness)
        self.reach = OrthancReach(self.names, Resolver(self.freshness), self.freshness)

    @property
    def scope(self) -> TenantScope:
        return self.opened.scope

    @property
    def archive(self) -> ArchiveName:
        return main_archive(self.opened)

    @property
    def state(self) -> FeedState | None:
        return self.opened.stores.feeds.read(self.scope, self.archive)

    def new_feed(self, crawl: Callable[[SyncProgress], None] | None = None) -> Feed:
        """What a background process that has just been started has; `crawl` hears of a crawl instead."""
        told = Told(crawl or self.crawled.append, self.said.append, between=lambda: None)
        return open_feed(self.opened, self.archive, told)

    def settle(self) -> None:
        """Poll as often as a difference must be seen."""
        for _ in range(LASTING):
            self.feed.poll()

    def studies(self) -> tuple[StudyEntry, ...]:
        return tuple(self.opened.stores.index.every_study(self.scope, self.archive))

    def listed(self) -> set[str]:
        """StudyInstanceUIDs in the index."""
        return {study.study_instance_uid for study in self.studies()}

    def instances(self) -> set[str]:
        """SOPInstanceUIDs in the index."""
        return {
            instance.sop_instance_uid
            for study in self.studies()
            for series in study.series
            for instance in series.instances
        }

    def asker(self, name: str = "anybody") -> Bound:
        return bound(self.opened, name)

    def reached(
        self, level: Level | None, orthanc_id: str, action: Action = Action.VIEW, name: str = "anybody"
    ) -> Reach | Refusal:
        return self.reach.reach_named(self.scope, self.archive, level, orthanc_id, action, self.asker(name))


@contextmanager
def fed(
    directory: Path, orthanc: Orthanc, *, policy: str, further: Mapping[str, object] | None = None
) -> Iterator[Fed]:
    """Make an installation with an empty index in front of an Orthanc, and open it."""
    settings = orthanc_settings(orthanc.url, further=further)
    config = make_origin_installation(directory, settings, policy=policy)
    with open_installation(read_settings(config), "test") as opened:
        PolicyWatch(opened).publish()
        yield Fed(opened)


def sop_uids(found: Reach | Refusal) -> set[str]:
    """The instances that were reached."""
    assert isinstance(found, Reach), found
    return {instance.sop_instance_uid for part in found.parts for instance in part.instances}


def key_of(found: Reach | Refusal) -> ResourceKey:
    """The one instance that was reached."""
    assert isinstance(found, Reach), found
    (part,) = found.parts
    (instance,) = part.instances
    return part.key_of(instance)
