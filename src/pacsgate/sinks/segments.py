"""The trail as files: every event is on disk before its future completes.

Submitters put canonical bytes into a queue.  Whoever has the pen takes whatever
is there, writes it as one block, syncs once and completes all its futures: the
more is queued, the less a sync costs each (group commit).  The pen is taken by a
writer thread, for those who go on meanwhile, or by whoever would only wait for
that thread: two hand-overs between threads cost several times what the disk does.

When the disk refuses, so does the trail: the events in hand and all that come
fail with `RecordError`, their submitters let nothing leave, and from time to
time the writer tries a new segment.  The genesis of the one that succeeds says
how many events were refused in between.

**Time.**  An event carries the instant of its request, so events of one segment
are only roughly in the order of their times; their order of record is `seq`.
The writer reads the clock at each commit.  A reading that lies before the one
before it, or before anything recorded by an earlier run, becomes an event.

Called through the `Trail` port.

Invariants:
- a future completes without error only after the sync that covers its record;
- each submitted event is either recorded or its future fails; cancelling a
  waiter takes nothing back.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pacsgate.audit.canonical import encode_event, encode_time
from pacsgate.audit.chain import Genesis, Head
from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.model.errors import RecordError
from pacsgate.ports import Clock
from pacsgate.sinks.last_recorded import last_recorded
from pacsgate.sinks.segment_file import SegmentFile

SEGMENT_BYTES = 64 * 1024 * 1024
"""When a segment is followed by the next.  A quarter of a million reads, a few seconds to verify."""
RETRY_SECONDS = 0.25
"""How often a new segment is tried after a failure; in between, submitting fails at once."""
_BATCH_EVENTS = 8192
"""Keeps one write below about 8 MiB, so that the first of many does not wait for all."""


class _Pending(NamedTuple):
    payload: bytes
    at: datetime
    future: "Future[None]"


class SegmentTrail:
    """Implements `ports.Trail` for one process, in segment files under `directory`.

    `process` names the process in the genesis and the file name (`http-1`, `cli`);
    `host` names the machine.  Nothing is created before the first event.
    """

    def __init__(
        self, directory: Path, clock: Clock, *, process: str, host: str, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._clock = clock
        self._process = process
        self._host = host
        self._segment_bytes = segment_bytes
        self._segment: SegmentFile | None = None
        self._previous: Head | None = None
        self._refused = 0
        self._problem: str | None = None
        self._retry_at = 0.0
        self._last_recorded_at = last_recorded(directory)
        self._last_reading = self._last_recorded_at
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._pen = threading.Lock()
        """Held while events are written."""
        self._is_closed = False
        self._writer = threading.Thread(target=self._run, name=f"trail-{process}", daemon=True)
        self._writer.start()

    def submit(self, event: AuditEvent) -> "Future[None]":
        """Queue an event; the future completes when it is on disk and chained."""
        return self._queued(_pending(event))

    def record(self, event: AuditEvent) -> None:
        """Block until the event is on disk and chained."""
        pending = _pending(event)
        if self._pen.acquire(blocking=False):
            try:
                if not self._is_closed:
                    self._commit([*self._waiting(_BATCH_EVENTS - 1), pending])
            finally:
                self._pen.release()
        if not pending.future.done():
            self._queued(pending)
        pending.future.result()

    @property
    def last_recorded_at(self) -> datetime | None:
        """The latest time that any event in this directory carried when it was last looked at.

        Expiries are compared with the later of this and the clock, so that a
        clock that was set back revives nothing.
        """
        return self._last_recorded_at

    @property
    def problem(self) -> str | None:
        """Why the last write failed; `None` while the trail can be written."""
        return self._problem

    def close(self) -> None:
        """Write what is queued and end the writer.  Later submissions fail."""
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._writer.join()

    def _queued(self, pending: _Pending) -> "Future[None]":
        with self._gate:
            if self._is_closed:
                pending.future.set_exception(RecordError("the audit trail is closed"))
            else:
                self._queue.put(pending)
        return pending.future

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                with self._pen:
                    self._commit([first, *self._waiting(_BATCH_EVENTS - 1)])
        finally:
            # However the writer ends, nobody is left waiting for it.
            with self._gate:
                self._is_closed = True
            with self._pen:
                self._refuse(self._waiting(self._queue.qsize()), "the audit trail is closed")
                if self._segment is not None:
                    self._segment.close()

    def _waiting(self, at_most: int) -> list[_Pending]:
        """Take what is queued, up to the end of all that will ever be."""
        taken: list[_Pending] = []
        with suppress(queue.Empty):
            while len(taken) < at_most:
                pending = self._queue.get_nowait()
                if pending is None:
                    self._queue.put(None)
                    break
                taken.append(pending)
        return taken

    def _commit(self, batch: Sequence[_Pending]) -> None:
        """Write some events; whatever comes of it, none of their submitters is left waiting."""
        if self._problem is not None and self._clock.monotonic() < self._retry_at:
            self._refuse(batch, self._problem)
            return
        events = [*self._clock_events(), *(pending.payload for pending in batch)]
        problem: str | None = "writing was broken off"
        try:
            self._append(events)
            problem = None
        except OSError as error:
            problem = f"{error.strerror}: {error.filename or self._directory}"
        finally:
            if problem is not None:
                self._abandon(problem)
                self._refuse(batch, problem)
        self._problem = problem
        if problem is not None:
            return
        self._refused = 0
        newest = max(pending.at for pending in batch)
        if self._last_recorded_at is None or newest > self._last_recorded_at:
            self._last_recorded_at = newest
        for pending in batch:
            pending.future.set_result(None)

    def _append(self, events: Sequence[bytes]) -> None:
        if self._segment is None:
            genesis = Genesis("", self._process, self._host, self._clock.now(), self._previous, self._refused)
            self._segment = SegmentFile.create(self._directory, genesis)
        head = self._segment.append(events)
        if head.size >= self._segment_bytes:
            self._leave_segment()

    def _abandon(self, problem: str) -> None:
        self._problem = problem
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        self._leave_segment()

    def _leave_segment(self) -> None:
        if self._segment is None:
            return
        self._previous = self._segment.head or self._previous
        self._segment.close()
        self._segment = None

    def _refuse(self, batch: Sequence[_Pending], detail: str | None) -> None:
        self._refused += len(batch)
        for pending in batch:
            pending.future.set_exception(RecordError("the audit trail cannot be written", detail))

    def _clock_events(self) -> tuple[bytes, ...]:
        """The event of a clock that went back since the last commit, if it did."""
        reading, before = self._clock.now(), self._last_reading
        self._last_reading = reading
        if before is None or reading >= before:
            return ()
        event = AuditEvent(
            kind=EventKind.CLOCK_SET_BACK,
            at=reading,
            actor=Actor(name=self._process, verified=True),
            outcome=Outcome.MAJOR,
            details={"from": encode_time(before), "to": encode_time(reading)},
        )
        return (encode_event(event),)


def _pending(event: AuditEvent) -> _Pending:
    pending = _Pending(encode_event(event), event.at, Future())
    # A running future cannot be cancelled: a client that goes away unrecords nothing.
    pending.future.set_running_or_notify_cancel()
    return pending
