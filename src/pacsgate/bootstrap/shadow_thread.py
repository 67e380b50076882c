"""The thread in which one worker compares requests with the shadow, slowly enough not to be noticed.

Called by `worker`.

Invariants:
- whatever breaks here is logged by its kind alone, and no request is the worse for it;
- what was counted is kept at the end.
"""

import threading
from collections.abc import Callable, Iterator

from pacsgate.model.errors import PacsgateError
from pacsgate.ports import Clock
from pacsgate.services.shadow_policy import Asked, ShadowPolicy

PER_SECOND = 50
"""Requests that one worker compares in a second, at the most: a small part of a core."""
FLUSH_SECONDS = 2.0
"""How often counts are kept, and a new candidate is looked for."""


class ShadowThread:
    """Compares what a worker's shadow has noted."""

    def __init__(self, shadow: ShadowPolicy, clock: Clock, log: Callable[[str], object]) -> None:
        self._shadow = shadow
        self._clock = clock
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Compare no more, and wait until what was counted is kept."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._shadow.round(self._at_leisure())
            except PacsgateError as failed:
                self._log(f"shadow: {failed.public}")
                self._stop.wait(FLUSH_SECONDS)
            except Exception as broken:  # noqa: BLE001 - the outermost edge of a job: its text may quote anything
                self._log(f"shadow broke: {type(broken).__name__}")
                self._stop.wait(FLUSH_SECONDS)

    def _at_leisure(self) -> Iterator[Asked]:
        """What waits, one by one, until it is time to keep what was counted."""
        if not self._shadow.is_casting:
            self._stop.wait(FLUSH_SECONDS)
            return
        until = self._clock.monotonic() + FLUSH_SECONDS
        while not self._stop.is_set() and self._clock.monotonic() < until:
            asked = self._shadow.next()
            if asked is not None:
                yield asked
            self._stop.wait(1 / PER_SECOND)
