"""What strangers do wrong is on record, and cannot fill the disk."""

import pytest

from pacsgate.gateway.dimse import alerts
from pacsgate.gateway.dimse.alerts import Alerts
from pacsgate.model.errors import RecordError
from tests.support.clocks import HandClock
from tests.support.trails import ListTrail


@pytest.fixture
def trail() -> ListTrail:
    return ListTrail()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def told(trail: ListTrail, clock: HandClock) -> Alerts:
    return Alerts(trail, clock)


def test_the_same_from_the_same_is_told_once_a_minute(
    told: Alerts, trail: ListTrail, clock: HandClock
) -> None:
    for _ in range(100):
        told.mention("192.0.2.1", "PDU too long")
        clock.advance(seconds=1)
    assert len(trail.events) == 2


def test_other_causes_and_other_addresses_are_told_beside_it(told: Alerts, trail: ListTrail) -> None:
    told.tell("192.0.2.1", "PDU too long")
    told.tell("192.0.2.1", "PDU too slow")
    told.tell("192.0.2.2", "PDU too long")
    assert [(event.actor.address, event.details["cause"]) for event in trail.events] == [
        ("192.0.2.1", "PDU too long"),
        ("192.0.2.1", "PDU too slow"),
        ("192.0.2.2", "PDU too long"),
    ]


def test_no_more_addresses_are_kept_in_mind_than_there_is_room_for(
    told: Alerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "REMEMBERED", 10)
    for number in range(100):
        told.mention(f"192.0.2.{number}", "PDU too long")
    assert len(told._last) == 10


def test_who_must_be_on_record_is_not_answered_without_it(told: Alerts, trail: ListTrail) -> None:
    trail.broken = True
    with pytest.raises(RecordError):
        told.tell("192.0.2.1", "unknown called AE title")
    told.mention("192.0.2.1", "PDU too long")
    trail.broken = False
    told.tell("192.0.2.1", "unknown called AE title")
    assert len(trail.events) == 1
