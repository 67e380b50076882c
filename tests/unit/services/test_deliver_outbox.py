from datetime import UTC, datetime

import pytest

from pacsgate.audit.canonical import encode_event
from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.errors import RecordError
from pacsgate.services.deliver_outbox import deliver_outbox
from tests.support.trails import ListTrail


class Outbox:
    def __init__(self, count):
        self.rows = {
            number: encode_event(
                AuditEvent(
                    EventKind.USER_CHANGED,
                    datetime(2026, 1, 1, tzinfo=UTC),
                    Actor(f"u{number}", verified=True),
                )
            )
            for number in range(1, count + 1)
        }

    def pending(self, limit=100):
        return tuple(sorted(self.rows.items())[:limit])

    def delivered(self, ids):
        for row_id in ids:
            del self.rows[row_id]


def test_everything_pending_is_delivered_oldest_first_and_numbered():
    outbox, trail = Outbox(250), ListTrail()
    assert deliver_outbox(outbox, trail) == 250
    assert outbox.rows == {}
    assert [event.actor.name for event in trail.events] == [f"u{number}" for number in range(1, 251)]
    assert [event.details["outbox"] for event in trail.events] == [str(number) for number in range(1, 251)]


def test_what_the_trail_does_not_take_stays():
    outbox, trail = Outbox(3), ListTrail()
    trail.broken = True
    with pytest.raises(RecordError):
        deliver_outbox(outbox, trail)
    assert len(outbox.rows) == 3
    trail.broken = False
    assert deliver_outbox(outbox, trail) == 3


def test_an_empty_outbox_costs_the_trail_nothing():
    trail = ListTrail()
    assert deliver_outbox(Outbox(0), trail) == 0
    assert trail.events == []
