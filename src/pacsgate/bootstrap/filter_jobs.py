"""Instances are asked the filters of the live policy, archive by archive, each in a thread of its own.

To read an archive again may take hours; the other jobs of the background process do
not wait for it.

Called by `background`.

Invariants:
- a filter that a policy brings is asked without a restart;
- a run that is stopped or fails goes on later with what is left.
"""

from threading import Event, Thread

import structlog

from pacsgate.bootstrap.installation import Installation
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import ArchiveName, TenantScope

_log = structlog.get_logger("pacsgate.filters")

_EVERY_SECONDS = 1.0
"""Whether there is anything to ask is read from the kinds of studies, which are few."""
_RETRY_SECONDS = 30.0
_STOP_SECONDS = 3.0


class _Stopped(Exception):  # noqa: N818 - it says what happened; nothing is wrong
    """Ends a run between two studies."""


class FilterJobs:
    """One job for each archive of an installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = Event()
        self._threads = [
            Thread(target=self._ask, args=(ArchiveName(name),), name=f"filters-{name}", daemon=True)
            for name in installation.settings.archives
        ]

    def start(self) -> None:
        """Begin; what an earlier process left undone is done first."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def _ask(self, name: ArchiveName) -> None:
        scope = self._installation.tenant_archives.scope_of(name)
        while not self._stop.is_set():
            pause = _EVERY_SECONDS
            try:
                if self._has_filters(scope):
                    done = self._installation.filters.run(scope, name, self._go_on)
                    if done:
                        _log.info("instance filters asked", archive=name, studies=done)
            except _Stopped:
                return
            except PacsgateError as error:
                _log.error("instance filters failed", archive=name, error=error.public, detail=error.detail)
                pause = _RETRY_SECONDS
            except Exception:  # noqa: BLE001 - the outermost edge of a thread: the next run must come
                _log.exception("instance filters broke", archive=name)
                pause = _RETRY_SECONDS
            self._stop.wait(pause)

    def _has_filters(self, scope: TenantScope) -> bool:
        policy = self._installation.policy_of(scope)
        return policy is not None and bool(policy.filters)

    def _go_on(self, _done: int) -> None:
        if self._stop.is_set():
            raise _Stopped
