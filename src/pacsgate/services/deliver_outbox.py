"""Brings the events of committed changes into the trail.

An administrative change and its event are one transaction, in the outbox; the
trail is a file.  Between the two a process may die, so delivery is tried after
every change and again at start: each event arrives at least once.  The number
of its outbox row travels along as the detail `outbox`, by which a reader of the
trail knows an event that arrived twice.

Called by every use case that changes administrative state, and at start.
"""

from dataclasses import replace

from pacsgate.audit.canonical import decode_event
from pacsgate.ports import OutboxStore, Trail


def deliver_outbox(outbox: OutboxStore, trail: Trail) -> int:
    """Record every pending event, oldest first; return how many.  Raises `RecordError`."""
    count = 0
    while pending := outbox.pending():
        for row_id, encoded in pending:
            event = decode_event(encoded)
            trail.record(replace(event, details={**event.details, "outbox": str(row_id)}))
        outbox.delivered([row_id for row_id, _ in pending])
        count += len(pending)
    return count
