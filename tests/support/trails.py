"""A trail that keeps its events in a list, and can be told to fail."""

from concurrent.futures import Future

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.model.errors import RecordError


class ListTrail:
    """Records into memory; with `broken` set it records nothing and says so."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.broken = False

    def submit(self, event: AuditEvent) -> "Future[None]":
        future: Future[None] = Future()
        if self.broken:
            future.set_exception(RecordError("the trail cannot be written"))
        else:
            self.events.append(event)
            future.set_result(None)
        return future

    def record(self, event: AuditEvent) -> None:
        self.submit(event).result()

    def of(self, kind: EventKind) -> list[AuditEvent]:
        return [event for event in self.events if event.kind is kind]
