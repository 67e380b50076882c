"""The thread of one worker that wakes whoever waits for something to do at a PACS, or for a result.

What this worker changes wakes them without it; it looks for what other processes change, and for what becomes
due by itself.  While nobody waits it sleeps.  It also remembers, every few seconds and all at once, which
agents were seen.

Called by `worker`.

Invariants:
- whatever breaks here is logged by its kind alone; who waits, waits until their time is over.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pacsgate.gateway.http.agent_sightings import AgentSightings
from pacsgate.gateway.http.pacs_waiters import Waiters
from pacsgate.model.errors import PacsgateError
from pacsgate.ports import Clock
from pacsgate.ports.pacs_queue import Look, PacsQueue, QueueBell
from pacsgate.services.pacs_queue.rules import QueueRules

LOOK_SECONDS = 1.0
"""At least so often, also where no bell rings: what rests after a failed attempt becomes due by itself."""
NOTE_SECONDS = 5.0


class QueueThread:
    """Wakes the waiters of a worker."""

    def __init__(
        self,
        queue: PacsQueue,
        bell: QueueBell,
        waiters: Waiters,
        sightings: AgentSightings,
        clock: Clock,
        rules: QueueRules,
        log: Callable[[str], object],
    ) -> None:
        self._queue = queue
        self._bell = bell
        self._waiters = waiters
        self._sightings = sightings
        self._clock = clock
        self._rules = rules
        self._log = log
        self._noted_at = clock.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to wake those who wait on this loop."""
        self._loop = loop
        self._queue.tell(self._changed)
        self._thread.start()

    def stop(self) -> None:
        """Wake nobody any more."""
        self._stop.set()
        self._waiters.somebody.set()
        self._bell.ring()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._round()
            except PacsgateError as failed:
                self._log(f"queue: {failed.public}")
                self._stop.wait(LOOK_SECONDS)
            except Exception as broken:  # noqa: BLE001 - the outermost edge of a job: its text may quote anything
                self._log(f"queue broke: {type(broken).__name__}")
                self._stop.wait(LOOK_SECONDS)
        with suppress(PacsgateError):
            self._note()

    def _round(self) -> None:
        if self._clock.monotonic() - self._noted_at >= NOTE_SECONDS:
            self._note()
        if not self._waiters.somebody.wait(LOOK_SECONDS):
            return
        now = self._clock.now()
        waited_for, places = self._waiters.results(), self._waiters.places()
        look = self._queue.look(waited_for, now, self._rules.furthest(now), places)
        self._wake(look)
        self._bell.wait(_until(look.next_due, now))

    def _changed(self, look: Look) -> None:
        """Called by whoever has just changed something in this process."""
        self._wake(look)
        if look.next_due is not None:
            self._bell.ring()

    def _wake(self, look: Look) -> None:
        if (look.fetchable or look.final) and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self._loop.call_soon_threadsafe(self._waiters.wake, look)

    def _note(self) -> None:
        self._noted_at = self._clock.monotonic()
        seen = self._sightings.take()
        if seen:
            self._queue.note_agents(seen)


def _until(due: datetime | None, now: datetime) -> float:
    """How long to listen: until something that rests becomes due, and not much longer than a moment."""
    return LOOK_SECONDS if due is None else min(LOOK_SECONDS, max(0.0, (due - now).total_seconds()))
