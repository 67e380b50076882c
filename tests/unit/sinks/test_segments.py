import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.audit.chain import SegmentWalk, decode_genesis
from pacsgate.audit.events import EventKind
from pacsgate.model.errors import RecordError
from pacsgate.sinks.segments import RETRY_SECONDS, SegmentTrail
from pacsgate.sinks.trail_files import segment_names, segment_path
from pacsgate.sinks.trail_reader import read_trail
from tests.support.clocks import START, HandClock
from tests.support.events import READ, numbered


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def trails(tmp_path, clock):
    """Opens trails in one directory; all are closed in the end."""
    opened = []

    def open_trail(**options) -> SegmentTrail:
        trail = SegmentTrail(tmp_path / "trail", clock, process="http-1", host="gate", **options)
        opened.append(trail)
        return trail

    yield open_trail
    for trail in opened:
        trail.close()


def recorded(directory: Path) -> list:
    return [entry.event for entry in read_trail(directory)]


def geneses(directory: Path) -> list:
    found = []
    for name in segment_names(directory):
        with segment_path(directory, name).open("rb") as file:
            found.append(decode_genesis(next(iter(SegmentWalk(name, file))).payload))
    return found


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process can grow beyond a size; the kernel refuses, as a full disk does.

    For the inside of a test only: pytest writes its own progress between a test and its fixtures' end.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_recorded_event_is_in_the_file_when_the_call_returns(trails, tmp_path) -> None:
    trails().record(READ)
    assert recorded(tmp_path / "trail") == [READ]


def test_events_are_recorded_in_the_order_of_submission(trails, tmp_path) -> None:
    trail = trails()
    futures = [trail.submit(numbered(number)) for number in range(500)]
    for future in futures:
        future.result()
    assert recorded(tmp_path / "trail") == [numbered(number) for number in range(500)]


def test_closing_writes_what_is_queued_and_refuses_what_comes_later(trails, tmp_path) -> None:
    trail = trails()
    futures = [trail.submit(numbered(number)) for number in range(100)]
    trail.close()
    assert all(future.exception() is None for future in futures)
    with pytest.raises(RecordError, match="closed"):
        trail.record(READ)
    assert len(recorded(tmp_path / "trail")) == 100


def test_a_client_that_goes_away_takes_no_record_with_it(trails, tmp_path) -> None:
    trail = trails()
    future = trail.submit(READ)
    assert not future.cancel()
    future.result()
    assert recorded(tmp_path / "trail") == [READ]


def test_a_full_segment_is_continued_by_one_that_names_its_end(trails, tmp_path, clock) -> None:
    trail = trails(segment_bytes=2000)
    for number in range(12):
        trail.record(numbered(number))
        clock.advance(seconds=1)
    first, second, *others = geneses(tmp_path / "trail")
    assert others
    assert first.previous is None
    assert second.previous.segment == first.segment
    assert len(recorded(tmp_path / "trail")) == 12


def test_only_the_owner_can_read_a_trail(trails, tmp_path) -> None:
    trails().record(READ)
    (name,) = segment_names(tmp_path / "trail")
    assert segment_path(tmp_path / "trail", name).stat().st_mode & 0o077 == 0
    assert (tmp_path / "trail").stat().st_mode & 0o077 == 0


def test_nothing_is_created_before_the_first_event(trails, tmp_path) -> None:
    trails().close()
    assert segment_names(tmp_path / "trail") == ()


def test_a_full_disk_refuses_every_event_until_there_is_room_again(trails, tmp_path, clock) -> None:
    trail = trails()
    trail.record(numbered(0))
    with full_disk(200):
        refused = [trail.submit(numbered(number)) for number in range(1, 4)]
        assert all(isinstance(future.exception(), RecordError) for future in refused)
        assert trail.problem is not None
        with pytest.raises(RecordError):
            trail.record(numbered(4))
    with pytest.raises(RecordError):
        trail.record(numbered(5))  # the next attempt is not due yet
    clock.advance(seconds=RETRY_SECONDS)
    trail.record(numbered(6))
    assert trail.problem is None
    assert recorded(tmp_path / "trail") == [numbered(0), numbered(6)]
    first, last = (each for each in geneses(tmp_path / "trail") if each)
    assert (last.previous.segment, last.previous.seq) == (first.segment, 1)
    assert last.refused == 5


def test_a_record_half_written_on_a_full_disk_is_a_torn_tail(trails, tmp_path, clock) -> None:
    trail = trails()
    trail.record(numbered(0))
    (name,) = segment_names(tmp_path / "trail")
    size = segment_path(tmp_path / "trail", name).stat().st_size + 100
    with full_disk(size), pytest.raises(RecordError):
        trail.record(numbered(1))
    clock.advance(seconds=RETRY_SECONDS)
    trail.record(numbered(2))
    assert recorded(tmp_path / "trail") == [numbered(0), numbered(2)]


def test_a_full_disk_does_not_fill_the_directory_with_empty_segments(trails, tmp_path, clock) -> None:
    trail = trails()
    with full_disk(0):
        for number in range(5):
            with pytest.raises(RecordError):
                trail.record(numbered(number))
            clock.advance(seconds=RETRY_SECONDS)
    assert segment_names(tmp_path / "trail") == ()


def test_a_vanished_directory_refuses_new_segments(trails, tmp_path) -> None:
    trail = trails()
    (tmp_path / "trail").rename(tmp_path / "elsewhere")
    with pytest.raises(RecordError) as problem:
        trail.record(READ)
    assert "No such file" in (problem.value.detail or "")
    assert str(tmp_path) not in problem.value.public


def test_a_clock_set_back_is_an_event_once(trails, tmp_path, clock) -> None:
    trail = trails()
    trail.record(numbered(0))
    clock.set_back(hours=1)
    trail.record(numbered(1))
    trail.record(numbered(2))
    (step,) = [event for event in recorded(tmp_path / "trail") if event.kind is EventKind.CLOCK_SET_BACK]
    assert step.at == START - timedelta(hours=1)
    assert step.details == {"from": "2026-03-01T09:00:00.000Z", "to": "2026-03-01T08:00:00.000Z"}


def test_a_clock_set_back_between_two_runs_is_an_event(trails, tmp_path, clock) -> None:
    trails().record(READ)
    clock.set_back(days=1)
    trails().record(numbered(1))
    assert EventKind.CLOCK_SET_BACK in [event.kind for event in recorded(tmp_path / "trail")]


def test_the_last_recorded_time_never_goes_back_and_outlives_a_restart(trails) -> None:
    trail = trails()
    assert trail.last_recorded_at is None
    trail.record(numbered(5000))
    trail.record(numbered(1))
    assert trail.last_recorded_at == numbered(5000).at
    trail.close()
    assert trails().last_recorded_at == numbered(5000).at


def test_segments_of_two_processes_do_not_disturb_each_other(trails, tmp_path) -> None:
    one, other = trails(), trails()
    for number in range(10):
        (one, other)[number % 2].record(numbered(number))
    assert len(segment_names(tmp_path / "trail")) == 2
    assert recorded(tmp_path / "trail") == [numbered(number) for number in range(10)]
