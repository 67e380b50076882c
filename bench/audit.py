"""How many events a second become durable, and how long a single one takes.

Called by `__main__`; `python -m bench.audit` runs it by itself.  The trail lies on the disk of
the working directory, which must not be a tmpfs.
"""

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Row, percentile
from pacsgate.audit.events import Actor, AuditEvent, EventKind, StudyObject
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.model.resource import ArchiveName, TenantName
from pacsgate.sinks.segments import SegmentTrail

EVENTS = 100_000
SINGLES = 300
_GOAL = 20_000


def measure() -> list[Row]:
    """One row: the rate of many at once, the times of one after the other."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-audit-") as directory:
        return [_measure_in(Path(directory) / "trail")]


def _measure_in(directory: Path) -> Row:
    trail = SegmentTrail(directory, SystemClock(), process="bench", host="bench")
    events = [_event(number) for number in range(EVENTS)]
    trail.record(events[0])
    started, cpu = time.perf_counter(), time.process_time()
    for future in [trail.submit(event) for event in events]:
        future.result()
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    latencies = []
    for event in events[:SINGLES]:
        before = time.perf_counter()
        trail.record(event)
        latencies.append((time.perf_counter() - before) * 1e3)
    trail.close()
    rate = round(EVENTS / elapsed)
    return Row(
        work="audit: durable events",
        rate=rate,
        unit="events",
        p50_ms=round(percentile(latencies, 0.5), 3),
        p99_ms=round(percentile(latencies, 0.99), 3),
        cpu_seconds={"bench": round(cpu, 2)},
        command="python -m bench.audit",
        goal=f"at least {_GOAL:,} a second",
        reached=rate >= _GOAL,
        notes={"events": EVENTS, "latency": "of one event at a time"},
    )


def _event(number: int) -> AuditEvent:
    return AuditEvent(
        kind=EventKind.INSTANCES_ACCESSED,
        at=datetime(2026, 11, 21, 17, 2, 11, 123000, UTC),
        actor=Actor("rad1", verified=True, credential="token", roles=("radiologist",), address="10.0.0.7"),
        tenant=TenantName("default"),
        archive=ArchiveName("main"),
        action="view",
        study=StudyObject(f"1.2.826.0.1.3680043.10.{number}", patient_id=f"P{number}"),
        reasons=("permitted-by-rule:radiologists-read-their-department",),
        revision="0123456789ab",
        purpose="TREAT",
        request_id=f"r{number}",
        window=f"w{number}",
    )


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row.__dict__, indent=1))
