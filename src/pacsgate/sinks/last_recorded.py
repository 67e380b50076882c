"""The latest time that a directory of segments knows of, read from the ends of its files."""

import json
from datetime import datetime
from pathlib import Path

from pacsgate.audit.canonical import decode_time
from pacsgate.audit.chain import Record, parse
from pacsgate.sinks.trail_files import segment_names, segment_path

_TAIL_BYTES = 16 * 1024
"""Some twenty records: requests that ran side by side are recorded slightly out of order."""


def last_recorded(directory: Path) -> datetime | None:
    """The latest time in the last records of all segments; `None` when there are none."""
    times = (at for name in segment_names(directory) for at in _times(segment_path(directory, name)))
    return max(times, default=None)


def _times(path: Path) -> list[datetime]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        records = [record for line in file if (record := parse(line)) is not None]
    return [_time(record) for record in records]


def _time(record: Record) -> datetime:
    return decode_time(json.loads(record.payload)["started" if record.is_genesis else "at"])
