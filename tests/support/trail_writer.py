"""A process that records events and says so: `python -m tests.support.trail_writer DIRECTORY COUNT [--unsynced]`.

Four threads record side by side; after each event that the trail acknowledged, its request id goes to the standard
output.  With `--unsynced` the syncs of the operating system do nothing, which no caller of the trail can notice.
"""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from pacsgate.sinks.segments import SegmentTrail
from tests.support.events import numbered

THREADS = 4


class _Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 9, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def main(directory: str, count: str, *flags: str) -> None:
    if "--unsynced" in flags:
        os.fdatasync = os.fsync = lambda _descriptor: None
    trail = SegmentTrail(Path(directory), _Clock(), process="writer", host="gate")

    def record(first: int) -> None:
        for number in range(first, int(count), THREADS):
            event = numbered(number)
            trail.record(event)
            os.write(1, f"<{event.request_id}>\n".encode())

    threads = [threading.Thread(target=record, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
