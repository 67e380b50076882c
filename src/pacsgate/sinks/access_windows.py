"""Many reads of one study become two events: an opening and a close.

A viewer that scrolls through a study asks for hundreds of frames.  The first
read opens an *access window* and waits until its event is durable; those that
follow, of the same study by the same subject for the same reasons, pass at once.
When the window has been idle for a while, has grown old, or the process stops,
one `ACCESS_WINDOW_CLOSED` event with the same `window` id says exactly how many
instances and bytes were sent, and of how many of these instances a proxy was handed the sending,
whose bytes nobody has counted.  A window without a close (the process was killed)
reads "at least what its opening says".

Two reads share a window only if everything that the opening states, apart from
time and request id, is true of both: subject, credential, address, action,
purpose, policy revision, reasons, study and patient.  A window never decides
anything; the caller has asked the engine about each single request before.

Called by the doors, on their event loop, before and after each read.

Invariants:
- no read goes ahead before the opening of its window is durable;
- an opening that failed is forgotten: the next read tries again;
- each read is counted in the window that it entered, even if that has meanwhile
  stopped taking new ones; a close that could not be written is tried again.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import NamedTuple

from pacsgate.audit.events import HANDED_OVER, REASON_GIVEN, Actor, AuditEvent, EventKind, Outcome
from pacsgate.ports import Clock, Trail

IDLE_SECONDS = 60.0
"""A reader who pauses longer than this over an image opens a new window."""
MAX_SECONDS = 900.0
"""How much of a continuous reading a crash can reduce to "at least"."""


class _Key(NamedTuple):
    """What the opening of a window states, and what is therefore the same for all its reads."""

    kind: EventKind
    actor: Actor
    outcome: Outcome
    tenant: str | None
    archive: str | None
    action: str | None
    study_instance_uid: str | None
    patient_id: str | None
    reasons: tuple[str, ...]
    revision: str | None
    purpose: str | None
    recipient: str | None
    reason_given: str | None

    @classmethod
    def of(cls, event: AuditEvent) -> "_Key":
        study = event.study
        return cls(
            event.kind,
            event.actor,
            event.outcome,
            event.tenant,
            event.archive,
            event.action,
            study.study_instance_uid if study else None,
            study.patient_id if study else None,
            event.reasons,
            event.revision,
            event.purpose,
            event.recipient,
            event.details.get(REASON_GIVEN),
        )


@dataclass(slots=True, eq=False)
class _Window:
    key: _Key
    opening: AuditEvent
    durable: "Future[None]"
    opened: float
    last_used: float
    readers: int = 0
    instances: int = 0
    bytes_sent: int = 0
    handed_over: int = 0
    takes_readers: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Implements `ports.Reading`."""

    opening: "Future[None] | None"
    _window: _Window
    _windows: "AccessWindows"

    def leave(self, *, instances: int, bytes_sent: int, handed_over: int = 0) -> None:
        """Count what was sent in this read: zeros if nothing left.  Called once."""
        self._windows.count(self._window, instances, bytes_sent, handed_over)


class AccessWindows:
    """Implements `ports.AccessWindows` over a trail.  `new_id` makes window ids that never repeat."""

    def __init__(
        self,
        trail: Trail,
        clock: Clock,
        *,
        new_id: Callable[[], str],
        idle_seconds: float = IDLE_SECONDS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._trail = trail
        self._clock = clock
        self._new_id = new_id
        self._idle_seconds = idle_seconds
        self._max_seconds = max_seconds
        self._lock = threading.Lock()
        self._open: dict[_Key, _Window] = {}
        self._leaving: set[_Window] = set()

    def enter(self, event: AuditEvent) -> Reading:
        """Take part in the window that `event` belongs to, opening it if there is none.

        Every reading is left again, whatever became of it.
        """
        key = _Key.of(event)
        now = self._clock.monotonic()
        with self._lock:
            window = self._open.get(key)
            if window is not None and not self._is_over(window, now):
                window.readers += 1
                window.last_used = now
                return Reading(None if _succeeded(window.durable) else window.durable, window, self)
            if window is not None:
                self._retire(window)
            opening = replace(event, window=self._new_id())
            window = _Window(key, opening, self._trail.submit(opening), now, now, readers=1)
            self._open[key] = window
        # Outside the lock: the outcome may be known already, and then `_opened` runs here.
        window.durable.add_done_callback(lambda outcome: self._opened(window, outcome))
        return Reading(window.durable, window, self)

    def count(self, window: _Window, instances: int, bytes_sent: int, handed_over: int) -> None:
        """Add what one read sent, and let it go.  Called by `Reading.leave`."""
        now = self._clock.monotonic()
        with self._lock:
            window.readers -= 1
            window.instances += instances
            window.bytes_sent += bytes_sent
            window.handed_over += handed_over
            window.last_used = now

    def tick(self) -> None:
        """Close what is idle or old.  Called about once a second."""
        now = self._clock.monotonic()
        with self._lock:
            for window in [each for each in self._open.values() if self._is_over(each, now)]:
                self._retire(window)
            finished = [window for window in self._leaving if window.readers == 0]
            self._leaving.difference_update(finished)
        for window in finished:
            self._close(window)

    def close(self) -> None:
        """Close every window, whoever still reads; called when the door has stopped serving."""
        with self._lock:
            finished = [*self._open.values(), *self._leaving]
            self._open.clear()
            self._leaving.clear()
        for window in finished:
            self._close(window)

    def _is_over(self, window: _Window, now: float) -> bool:
        idle = window.readers == 0 and now - window.last_used >= self._idle_seconds
        return idle or now - window.opened >= self._max_seconds

    def _retire(self, window: _Window) -> None:
        del self._open[window.key]
        self._leaving.add(window)

    def _opened(self, window: _Window, outcome: "Future[None]") -> None:
        if _succeeded(outcome):
            return
        with self._lock:
            self._leaving.discard(window)
            if self._open.get(window.key) is window:
                del self._open[window.key]

    def _close(self, window: _Window) -> None:
        event = replace(
            window.opening,
            kind=EventKind.ACCESS_WINDOW_CLOSED,
            at=self._clock.now(),
            count=window.instances,
            bytes_sent=window.bytes_sent,
            details={**window.opening.details, **_handed_over(window)},
        )
        self._trail.submit(event).add_done_callback(lambda outcome: self._closed(window, outcome))

    def _closed(self, window: _Window, outcome: "Future[None]") -> None:
        if not _succeeded(outcome):
            with self._lock:
                self._leaving.add(window)


def _handed_over(window: _Window) -> dict[str, str]:
    return {HANDED_OVER: str(window.handed_over)} if window.handed_over else {}


def _succeeded(future: "Future[None]") -> bool:
    return future.done() and future.exception() is None
