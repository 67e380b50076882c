from dataclasses import replace
from itertools import count

import pytest

from pacsgate.audit.events import EventKind, StudyObject
from pacsgate.audit.window_tally import amount_read, closes_by_window
from pacsgate.model.errors import RecordError
from pacsgate.sinks.access_windows import AccessWindows
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.sinks.trail_reader import read_trail
from tests.support.clocks import HandClock
from tests.support.events import READ
from tests.support.trails import ListTrail


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def trail() -> ListTrail:
    return ListTrail()


@pytest.fixture
def windows(trail, clock) -> AccessWindows:
    ids = count(1)
    return AccessWindows(trail, clock, new_id=lambda: f"w{next(ids)}", idle_seconds=60, max_seconds=900)


def read(windows: AccessWindows, event=READ, instances: int = 1, bytes_sent: int = 100) -> bool:
    """One whole read; whether it had to wait for an opening."""
    reading = windows.enter(event)
    if reading.opening is not None:
        reading.opening.result()
    reading.leave(instances=instances, bytes_sent=bytes_sent)
    return reading.opening is not None


def test_a_scroll_through_a_study_is_one_opening_and_one_exact_close(windows, trail, clock) -> None:
    waited = [read(windows, bytes_sent=number) for number in range(400)]
    assert waited == [True] + [False] * 399
    clock.advance(seconds=60)
    windows.tick()
    opening, close = trail.events
    assert (opening.kind, opening.window) == (EventKind.INSTANCES_ACCESSED, "w1")
    assert (close.kind, close.window) == (EventKind.ACCESS_WINDOW_CLOSED, "w1")
    assert (close.count, close.bytes_sent) == (400, sum(range(400)))
    assert close.study == READ.study
    assert close.actor == READ.actor


@pytest.mark.parametrize(
    "other",
    [
        replace(READ, actor=replace(READ.actor, name="rad2")),
        replace(READ, actor=replace(READ.actor, address="10.0.0.8")),
        replace(READ, action="retrieve"),
        replace(READ, purpose="HRESCH"),
        replace(READ, revision="fedcba987654"),
        replace(READ, reasons=("permitted-by-grant:g1",)),
        replace(READ, study=StudyObject("1.2.826.0.1.3680043.10.2", patient_id="P1")),
        replace(READ, study=StudyObject(READ.study.study_instance_uid, patient_id="P2")),
    ],
)
def test_a_read_of_which_the_opening_would_not_be_true_opens_its_own_window(windows, trail, other) -> None:
    read(windows, READ)
    assert read(windows, other)
    assert [event.window for event in trail.events] == ["w1", "w2"]


def test_two_requests_differ_only_in_what_a_window_does_not_state(windows) -> None:
    read(windows)
    assert not read(windows, replace(READ, request_id="r2", details={"frame": "7"}))


def test_those_who_come_while_the_opening_is_being_written_wait_for_it(tmp_path, clock) -> None:
    with_disk = SegmentTrail(tmp_path / "trail", clock, process="http-1", host="gate")
    windows = AccessWindows(with_disk, clock, new_id=lambda: "w1")
    first, second = windows.enter(READ), windows.enter(READ)
    assert first.opening is not None
    first.opening.result()
    assert second.opening in {None, first.opening}
    for reading in (first, second):
        reading.leave(instances=1, bytes_sent=10)
    windows.close()
    with_disk.close()
    _, close = (entry.event for entry in read_trail(tmp_path / "trail"))
    assert (close.count, close.bytes_sent) == (2, 20)


def test_an_opening_that_failed_is_not_remembered(windows, trail) -> None:
    trail.broken = True
    with pytest.raises(RecordError):
        read(windows)
    trail.broken = False
    assert read(windows)
    assert not read(windows)
    assert len(trail.events) == 1


def test_a_window_that_is_read_from_stays_open_however_long_the_read_takes(windows, trail, clock) -> None:
    reading = windows.enter(READ)
    clock.advance(seconds=600)
    windows.tick()
    assert not read(windows)
    reading.leave(instances=1, bytes_sent=1)
    assert len(trail.events) == 1


def test_an_old_window_takes_no_more_readers_and_closes_when_the_last_has_left(windows, trail, clock) -> None:
    slow = windows.enter(READ)
    clock.advance(seconds=900)
    assert read(windows, bytes_sent=5)
    windows.tick()
    assert [event.window for event in trail.events] == ["w1", "w2"]
    slow.leave(instances=1, bytes_sent=7)
    windows.tick()
    close = trail.events[-1]
    assert (close.window, close.count, close.bytes_sent) == ("w1", 1, 7)


def test_stopping_closes_every_window(windows, trail) -> None:
    read(windows)
    read(windows, replace(READ, action="retrieve"))
    windows.close()
    assert [event.window for event in trail.of(EventKind.ACCESS_WINDOW_CLOSED)] == ["w1", "w2"]


def test_a_close_that_could_not_be_written_is_tried_again(windows, trail, clock) -> None:
    read(windows)
    clock.advance(seconds=60)
    trail.broken = True
    windows.tick()
    trail.broken = False
    windows.tick()
    windows.tick()
    assert [event.count for event in trail.of(EventKind.ACCESS_WINDOW_CLOSED)] == [1]


def test_a_window_without_a_close_reads_at_least(windows, trail) -> None:
    read(windows)
    opening = trail.events[0]
    assert amount_read(opening, closes_by_window(trail.events)) == "at least 1 instance"
    read(windows, instances=3, bytes_sent=50)
    windows.close()
    assert amount_read(opening, closes_by_window(trail.events)) == "4 instances, 150 bytes"
    assert amount_read(trail.events[-1], closes_by_window(trail.events)) is None
