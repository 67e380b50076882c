"""Crawls: archives that others write to are read again and again, each in a thread of its own.

A crawl of a large archive takes hours; the jobs of the background process do not
wait for it.

Called by `background`.

Invariants:
- a crawl begins twice within each `max_staleness`, so that few rows are ever too old;
- one that is stopped or fails goes on later where it was.
"""

from threading import Event, Thread

import structlog

from pacsgate.bootstrap.installation import Installation
from pacsgate.config import DicomWebArchiveSettings, DimseArchiveSettings
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import ArchiveName
from pacsgate.services.sync_index import SyncProgress

_log = structlog.get_logger("pacsgate.crawl")

_RETRY_SECONDS = 30.0
"""An archive that was down is tried again after this time, if its own interval is not shorter."""
_STOP_SECONDS = 3.0
"""How long a stop waits for what a crawl is writing; reading may take much longer, and is cut off."""


class _Stopped(Exception):  # noqa: N818 - it says what happened; nothing is wrong
    """Ends a crawl between two batches."""


class Crawls:
    """All crawls of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = Event()
        self._threads = [
            Thread(
                target=self._crawl,
                args=(ArchiveName(name), archive.max_staleness_seconds / 2),
                name=f"crawl-{name}",
                daemon=True,
            )
            for name, archive in installation.settings.archives.items()
            if isinstance(archive, DicomWebArchiveSettings | DimseArchiveSettings)
            and archive.writers == "others"
        ]

    def start(self) -> None:
        """Begin the first crawls at once: others may have written while the gate was down."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def _crawl(self, name: ArchiveName, every_seconds: float) -> None:
        while not self._stop.is_set():
            pause = every_seconds
            try:
                scope = self._installation.tenant_archives.scope_of(name)
                self._installation.sync.sync(scope, name, self._go_on)
            except _Stopped:
                return
            except PacsgateError as error:
                _log.error("crawl failed", archive=name, error=error.public, detail=error.detail)
                pause = min(every_seconds, _RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - the outermost edge of a thread: the next crawl must come
                _log.exception("crawl broke", archive=name)
            self._stop.wait(pause)

    def _go_on(self, _progress: SyncProgress) -> None:
        if self._stop.is_set():
            raise _Stopped
