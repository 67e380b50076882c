"""How much was read in each access window: exactly, or at least.

Joins openings and closes by their `window` id.  A window whose close is missing
belongs to a reader who is still there or to a process that was killed; what is
then certain is only that its opening, and so at least one read, was allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pacsgate.audit.events import AuditEvent, EventKind


@dataclass(frozen=True, slots=True)
class WindowTally:
    """One access window.  `close` is `None` while none was recorded."""

    opening: AuditEvent
    close: AuditEvent | None

    def __str__(self) -> str:
        if self.close is None:
            return f"at least {self.opening.count or 1} instances"
        return f"{self.close.count} instances, {self.close.bytes_sent} bytes"


def tally(events: Iterable[AuditEvent]) -> tuple[WindowTally, ...]:
    """Every window that these events open, in the order of opening."""
    openings: dict[str, AuditEvent] = {}
    closes: dict[str, AuditEvent] = {}
    for event in events:
        if event.window is not None:
            group = closes if event.kind is EventKind.ACCESS_WINDOW_CLOSED else openings
            group[event.window] = event
    return tuple(WindowTally(opening, closes.get(window)) for window, opening in openings.items())
