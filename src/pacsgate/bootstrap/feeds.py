"""Feeds: what others do to an Orthanc is read about once a second, each in a thread of its own.

Called by `background`, and by `pacsgate index sync`.

Invariants:
- an archive that is down or refuses is tried again and again, with pauses that grow, and the log
  says when it went and when it came back;
- a feed that is stopped goes on later where it was.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

import structlog

from pacsgate.bootstrap.installation import Installation
from pacsgate.config import OrthancArchiveSettings, Settings
from pacsgate.gateway.http.metrics import FEED_CURRENT, FEED_READ, archive_label
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import ArchiveName
from pacsgate.services.feed import Feed, FeedParts, Told
from pacsgate.services.sync_index import SyncProgress

_log = structlog.get_logger("pacsgate.feed")

POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0
_PROGRESS_SECONDS = 10.0
"""How often the log says how far a crawl is."""
_STOP_SECONDS = 3.0
"""How long a stop waits for what is being written; reading may take longer, and is cut off."""


class _Stopped(Exception):  # noqa: N818 - it says what happened; nothing is wrong
    """Ends a crawl between two batches."""


def fed(settings: Settings) -> dict[ArchiveName, timedelta]:
    """The archives that have a feed, with how far it may be behind."""
    return {
        ArchiveName(name): timedelta(seconds=archive.max_staleness_seconds)
        for name, archive in settings.archives.items()
        if isinstance(archive, OrthancArchiveSettings) and archive.writers == "others"
    }


def open_feed(installation: Installation, name: ArchiveName, told: Told) -> Feed:
    """The feed of one archive."""
    parts = FeedParts(
        index=installation.stores.index,
        watch=installation.watches[name],
        feeds=installation.stores.feeds,
        indexer=installation.indexer,
        freshness=installation.freshness,
        sync=installation.sync,
        clock=installation.clock,
    )
    scope = installation.tenant_archives.scope_of(name)
    return Feed(parts, scope, name, fed(installation.settings)[name], told)


def sync(installation: Installation, name: ArchiveName, report: Callable[[SyncProgress], None]) -> None:
    """Index everything that an archive holds; its feed, if it has one, goes on from there.

    Raises `ArchiveError`, and whatever `report` raises in order to stop.
    """
    if name in fed(installation.settings):
        open_feed(installation, name, Told(crawl=report, event=_log.info, between=_nothing)).crawl()
    else:
        installation.sync.sync(installation.tenant_archives.scope_of(name), name, report)


def _nothing() -> None:
    """Whoever asked for a sync waits for it."""


class Feeds:
    """All feeds of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._stop = Event()
        self._threads = [
            Thread(target=_Follower(installation, name, self._stop).run, name=f"feed-{name}", daemon=True)
            for name in fed(installation.settings)
        ]

    def start(self) -> None:
        """Begin at once: others may have written while the gate was down."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)


class _Follower:
    """Polls one feed until it is stopped."""

    def __init__(self, installation: Installation, name: ArchiveName, stop: Event) -> None:
        self._installation = installation
        self._log = _log.bind(archive=name)
        self._clock = installation.clock
        self._name = name
        self._label = archive_label(installation.tenant_archives, name)
        self._stop = stop
        self._said_at = -_PROGRESS_SECONDS

    def run(self) -> None:
        """Poll, until `stop` is set."""
        feed: Feed | None = None
        told = Told(crawl=self._crawling, event=self._log.warning, between=self._go_on)
        pause = POLL_SECONDS
        while not self._stop.is_set():
            try:
                feed = feed or open_feed(self._installation, self._name, told)
                if feed.poll():
                    FEED_CURRENT.labels(self._label).set(self._clock.now().timestamp())
                if pause > POLL_SECONDS:
                    self._log.warning("feed goes on")
                pause = POLL_SECONDS
            except _Stopped:
                return
            except PacsgateError as error:
                if pause == POLL_SECONDS:
                    self._log.error("feed interrupted", error=error.public, detail=error.detail)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - the outermost edge of a thread: the next poll must come
                self._log.exception("feed broke")
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            self._stop.wait(pause)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _crawling(self, progress: SyncProgress) -> None:
        self._go_on()
        FEED_READ.labels(self._label).set(progress.done)
        now = self._clock.monotonic()
        if now - self._said_at >= _PROGRESS_SECONDS:
            self._said_at = now
            self._log.info("reading the archive", objects=progress.done, of=progress.total)
