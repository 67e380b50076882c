import json
import os
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from pacsgate.audit.event_filter import EventFilter
from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.errors import TrailBroken
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.sinks.trail_follower import TrailFollower
from pacsgate.sinks.trail_reader import ExportFormat, export, read_trail
from tests.support.clocks import HandClock
from tests.support.events import READ, numbered

DENIED = replace(
    READ,
    kind=EventKind.DENIED,
    at=READ.at + timedelta(minutes=1),
    outcome=Outcome.SERIOUS,
    actor=replace(READ.actor, name="stud1"),
    study=replace(READ.study, patient_id="P2"),
    details={"path": "/dicom-web/studies/Ümlaut"},
)


@pytest.fixture
def processes(tmp_path):
    """Four processes that write side by side."""
    clock = HandClock()
    trails = [
        SegmentTrail(tmp_path, clock, process=f"http-{number}", host="gate", segment_bytes=4000)
        for number in range(4)
    ]
    yield trails
    for trail in trails:
        trail.close()


def test_segments_are_merged_by_time(processes, tmp_path) -> None:
    for number in range(60):
        processes[number * 7 % 4].record(numbered(number * 1000))
    assert [entry.event for entry in read_trail(tmp_path)] == [
        numbered(number * 1000) for number in range(60)
    ]


def test_a_record_id_names_segment_and_position(processes, tmp_path) -> None:
    processes[0].record(READ)
    (entry,) = read_trail(tmp_path)
    assert entry.record_id == f"{entry.segment}/1"


@pytest.mark.parametrize(
    "sought",
    [
        EventFilter(user="stud1"),
        EventFilter(patient_id="P2"),
        EventFilter(kind=EventKind.DENIED),
        EventFilter(outcome=Outcome.SERIOUS),
        EventFilter(since=DENIED.at),
        EventFilter(text="ümlaut"),
        EventFilter(text="USE OF RESTRICTED"),
        EventFilter(
            user="stud1", study_instance_uid=DENIED.study.study_instance_uid, until=DENIED.at + timedelta(1)
        ),
    ],
)
def test_a_search_finds_exactly_what_matches_all_its_filters(processes, tmp_path, sought) -> None:
    processes[0].record(READ)
    processes[1].record(DENIED)
    assert [entry.event for entry in read_trail(tmp_path, sought)] == [DENIED]


@pytest.mark.parametrize(
    "sought",
    [EventFilter(user="stud"), EventFilter(until=READ.at), EventFilter(user="rad1", patient_id="P2")],
)
def test_a_filter_that_does_not_hold_finds_nothing(processes, tmp_path, sought) -> None:
    processes[0].record(READ)
    processes[1].record(DENIED)
    assert list(read_trail(tmp_path, sought)) == []


def test_nobody_reads_a_changed_trail_without_being_told(processes, tmp_path) -> None:
    for number in range(3):
        processes[0].record(numbered(number))
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"rad1"', b'"rad9"', 1))
    with pytest.raises(TrailBroken, match="record 1 was changed"):
        list(read_trail(tmp_path))


def test_a_search_since_yesterday_does_not_read_the_segments_of_last_year(processes, tmp_path) -> None:
    processes[0].record(READ)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"rad1"', b'"rad9"'))
    last_year = (READ.at - timedelta(days=365)).timestamp()
    os.utime(path, (last_year, last_year))
    processes[1].record(DENIED)
    assert [entry.event for entry in read_trail(tmp_path, EventFilter(since=READ.at))] == [DENIED]


def test_an_export_has_one_line_per_event_in_every_format(processes, tmp_path) -> None:
    processes[0].record(READ)
    processes[0].record(DENIED)
    flat = [json.loads(line) for line in export(read_trail(tmp_path), ExportFormat.JSON, "gate")]
    xml = list(export(read_trail(tmp_path), ExportFormat.DICOM_XML, "gate"))
    assert [each["kind"] for each in flat] == ["INSTANCES_ACCESSED", "DENIED"]
    fhir = [json.loads(line) for line in export(read_trail(tmp_path), ExportFormat.BALP, "gate")]
    assert [ET.fromstring(line).tag for line in xml] == ["AuditMessage"] * 2  # noqa: S314 - our own bytes
    assert [each["resourceType"] for each in fhir] == ["AuditEvent"] * 2


def test_the_backlog_is_the_end_of_the_whole_trail(processes, tmp_path) -> None:
    for number in range(90):
        processes[number * 7 % 4].record(numbered(number))
    everything = [entry.event for entry in read_trail(tmp_path)]
    for count in (1, 7, 89, 90, 500):
        assert [entry.event for entry in TrailFollower(tmp_path).backlog(count)] == everything[-count:]


def test_following_yields_each_later_event_once(processes, tmp_path) -> None:
    processes[0].record(numbered(0))
    follower = TrailFollower(tmp_path)
    assert follower.poll() == ()
    processes[0].record(numbered(1))
    processes[1].record(numbered(2))
    assert [entry.event for entry in follower.backlog(10)] == [numbered(0)]
    assert [entry.event for entry in follower.poll()] == [numbered(1), numbered(2)]
    assert follower.poll() == ()


def test_following_passes_over_a_half_written_record_until_it_is_whole(processes, tmp_path) -> None:
    processes[0].record(numbered(0))
    processes[0].record(numbered(1))
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    follower = TrailFollower(tmp_path)
    assert [entry.event for entry in follower.backlog(5)] == [numbered(0)]
    assert follower.poll() == ()
    path.write_bytes(whole)
    assert [entry.event for entry in follower.poll()] == [numbered(1)]


def test_a_backlog_looks_past_records_larger_than_a_block(processes, tmp_path) -> None:
    for number in range(3):
        processes[0].record(replace(numbered(number), query="x" * 200_000))
    assert [entry.event.request_id for entry in TrailFollower(tmp_path).backlog(2)] == ["r1", "r2"]
