"""Reading the trail: all segments as one sequence of events.

Each segment is walked link by link, so nobody reads a changed trail without
being told: what does not follow raises `TrailBroken`.  Segments overlap in time,
one per process; they are merged by the time of their records, which within one
segment never goes back.  A segment is opened only when its turn comes, so that
years of finished segments cost no open files.

Called by `pacsgate audit tail|search|export`.  That reading is itself recorded
is the caller's part.
"""

import heapq
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from pacsgate.audit.canonical import decode_event
from pacsgate.audit.chain import Record, SegmentWalk
from pacsgate.audit.event_filter import EVERYTHING, EventFilter
from pacsgate.audit.events import AuditEvent
from pacsgate.audit.renderings.balp import to_balp
from pacsgate.audit.renderings.dicom_xml import to_xml
from pacsgate.audit.renderings.flat import to_json
from pacsgate.model.errors import TrailBroken
from pacsgate.sinks.trail_files import lines_until, segment_names, segment_path, time_in_name

_CLOCK_STEP = timedelta(days=1)
"""By how much the clock may have been set back before an event was written, and a search still finds it."""


class ExportFormat(StrEnum):
    """What `export` writes, one event per line."""

    JSON = "json"
    DICOM_XML = "dicom-xml"
    BALP = "balp"


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """An event with its place in the trail."""

    segment: str
    seq: int
    event: AuditEvent

    @property
    def record_id(self) -> str:
        """How this record is named outside the trail."""
        return f"{self.segment}/{self.seq}"


def read_trail(trail: Path, sought: EventFilter = EVERYTHING) -> Iterator[TrailEntry]:
    """The events that match, oldest first.  Raises `TrailBroken` where the trail was changed."""
    waiting = [name for name in reversed(segment_names(trail)) if _may_hold(trail, name, sought.since)]
    # The segment's number makes entries comparable without comparing events.
    merging: list[tuple[datetime, int, TrailEntry, Iterator[tuple[datetime, TrailEntry]]]] = []

    def advance(number: int, segment: Iterator[tuple[datetime, TrailEntry]]) -> None:
        for at, entry in segment:
            heapq.heappush(merging, (at, number, entry, segment))
            return

    while waiting or merging:
        while waiting and (not merging or time_in_name(waiting[-1]) <= merging[0][0]):
            name = waiting.pop()
            advance(len(waiting), _timed_entries(trail, name))
        if merging:
            _, number, entry, segment = heapq.heappop(merging)
            if sought.matches(entry.event):
                yield entry
            advance(number, segment)


def export(entries: Iterable[TrailEntry], form: ExportFormat, source: str) -> Iterator[bytes]:
    """Each entry as one line.  `source` is the name of this gate (AuditSourceID)."""
    for entry in entries:
        match form:
            case ExportFormat.JSON:
                yield to_json(entry.event, entry.record_id).encode("ascii") + b"\n"
            case ExportFormat.DICOM_XML:
                yield to_xml(entry.event, entry.record_id, source) + b"\n"
            case ExportFormat.BALP:
                yield to_balp(entry.event, entry.record_id, source) + b"\n"
            case _:
                assert_never(form)


def decode_entry(segment: str, record: Record) -> TrailEntry:
    """The event that a record holds, with its place.  Raises `TrailBroken`."""
    try:
        return TrailEntry(segment, record.seq, decode_event(record.payload))
    except ValueError as problem:
        raise TrailBroken(
            f"trail segment `{segment}`: record {record.seq} does not hold an event",
            segment=segment,
            position=record.seq,
        ) from problem


def _may_hold(trail: Path, name: str, since: datetime | None) -> bool:
    """Whether a segment was written to late enough to hold what is sought."""
    if since is None:
        return True
    written = datetime.fromtimestamp(segment_path(trail, name).stat().st_mtime, UTC)
    return written + _CLOCK_STEP >= since


def _timed_entries(trail: Path, name: str) -> Iterator[tuple[datetime, TrailEntry]]:
    """The entries of one segment under times that never go back, so that merging can rely on them."""
    latest = time_in_name(name)
    with segment_path(trail, name).open("rb") as file:
        for record in SegmentWalk(name, lines_until(file, os.fstat(file.fileno()).st_size)):
            if not record.is_genesis:
                entry = decode_entry(name, record)
                latest = max(latest, entry.event.at)
                yield latest, entry
