"""How much was read in an access window: exactly, or at least.

An opening and its close are joined by their `window` id.  A window whose close is
missing belongs to a reader who is still there or to a process that was killed; what is
then certain is only that its opening, and so at least one read, was allowed.

Called by `pacsgate audit search`.
"""

from collections.abc import Iterable, Mapping

from pacsgate.audit.events import HANDED_OVER, AuditEvent, EventKind


def closes_by_window(events: Iterable[AuditEvent]) -> Mapping[str, AuditEvent]:
    """The close of each window that has one among these events."""
    return {
        event.window: event
        for event in events
        if event.window is not None and event.kind is EventKind.ACCESS_WINDOW_CLOSED
    }


def amount_read(event: AuditEvent, closes: Mapping[str, AuditEvent]) -> str | None:
    """What was read in the window that an event opens; `None` for every other event."""
    if event.window is None or event.kind is EventKind.ACCESS_WINDOW_CLOSED:
        return None
    close = closes.get(event.window)
    if close is None:
        return "at least 1 instance"
    amount = f"{close.count} instance{'' if close.count == 1 else 's'}, {close.bytes_sent} bytes"
    handed_over = close.details.get(HANDED_OVER)
    return amount if handed_over is None else f"{amount}; {handed_over} handed to the proxy, bytes unknown"
