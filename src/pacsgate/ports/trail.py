"""Where events become durable, and where administrative changes leave theirs on the way there."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from pacsgate.audit.events import AuditEvent


class Trail(Protocol):
    """Where events become durable.

    Raises (or completes the future with) `RecordError` when the event cannot be
    made durable; the caller then lets nothing leave.
    """

    def submit(self, event: AuditEvent) -> "Future[None]":
        """Queue an event; the future completes when it is on disk and chained."""
        ...

    def record(self, event: AuditEvent) -> None:
        """Block until the event is on disk and chained."""
        ...


class Reading(Protocol):
    """One read inside an access window."""

    @property
    def opening(self) -> "Future[None] | None":
        """What must complete before anything is sent; `None` if the window is durably open."""
        ...

    def leave(self, *, instances: int, bytes_sent: int, handed_over: int = 0) -> None:
        """Count what was sent in this read: zeros if nothing left.  Called once.

        Of `instances`, `handed_over` are sent by a proxy, and their bytes are in no count.
        """
        ...


class AccessWindows(Protocol):
    """Folds the many reads of one study by one subject and action into an opening and a close."""

    def enter(self, event: AuditEvent) -> Reading:
        """Take part in the window that `event` would open; opens it if there is none.

        Takes microseconds; may be called on an event loop.  Every reading is left
        again, whatever became of it.
        """
        ...


class OutboxStore(Protocol):
    """Audit events that were committed together with an administrative change, on their way to the trail."""

    def pending(self, limit: int = 100) -> tuple[tuple[int, bytes], ...]:
        """Undelivered rows, oldest first: row id and canonical JSON of the event."""
        ...

    def delivered(self, ids: Sequence[int]) -> None:
        """Forget rows that have reached the trail."""
        ...
