"""Objects sent to dcmtk's storescp, which throws them away: by the gate's sender, and by dcmtk's storescu.

300 objects of 512 KiB over one association, from the page cache.  What is compared is how fast they leave.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydicom import dcmread
from tests.support.ports import free_port

from bench.figures import Row
from bench.images import part10, studies
from pacsgate.model.application_entity import RemoteAe
from pacsgate.ports.sending import PresentationContext
from pacsgate.upstream.dimse.sending import PeerDestinations

OBJECTS = 300
ROUNDS = 5
_GOAL = 0.9
_TITLE = "SINK"
_WITHOUT_DELAYS = {**os.environ, "TCP_NODELAY": "1"}
"""dcmtk waits 40 ms before each of its own messages otherwise."""


def measure() -> list[Row]:
    """One row for each sender."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name, _sink() as port:
        objects = _objects(Path(name))
        size = sum(path.stat().st_size for path, _, _ in objects)
        ways: dict[str, Callable[[], float]] = {
            "storescu": lambda: _storescu(port, Path(name)),
            "the gate's sender": lambda: _sender(port, objects),
        }
        seen: dict[str, list[float]] = {way: [] for way in ways}
        costs = dict.fromkeys(ways, 0.0)
        for _ in range(ROUNDS):
            for way, send in ways.items():
                begun = time.perf_counter()
                costs[way] += send()
                seen[way].append(time.perf_counter() - begun)
    rates = {way: size / statistics.median(times) / 1e6 for way, times in seen.items()}
    ratio = rates["the gate's sender"] / rates["storescu"]
    return [
        Row(
            work=f"{OBJECTS} x 512 KiB to storescp, by {way}",
            rate=round(rates[way]),
            unit="MB",
            p50_ms=statistics.median(times) / OBJECTS * 1e3,
            p99_ms=max(times) / OBJECTS * 1e3,
            cpu_seconds={way: costs[way]},
            command="storescp --ignore",
            goal="" if way == "storescu" else f"{_GOAL} x storescu",
            reached=None if way == "storescu" else ratio >= _GOAL,
            ratio=None if way == "storescu" else round(ratio, 2),
            notes={"rounds": ROUNDS, "times": json.dumps([round(one, 3) for one in times])},
        )
        for way, times in seen.items()
    ]


@contextmanager
def _sink() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        ["storescp", "--ignore", "-aet", _TITLE, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_WITHOUT_DELAYS,
    )
    time.sleep(1)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def _objects(directory: Path) -> list[tuple[Path, PresentationContext, str]]:
    """Files, what they are and how they are called."""
    made: list[tuple[Path, PresentationContext, str]] = []
    for study in studies():
        for content in part10(study):
            path = directory / f"{len(made)}.dcm"
            path.write_bytes(content)
            head = dcmread(path, stop_before_pixels=True)
            syntax = str(head.file_meta.TransferSyntaxUID)
            made.append((path, PresentationContext(str(head.SOPClassUID), syntax), str(head.SOPInstanceUID)))
            if len(made) == OBJECTS:
                return made
    raise RuntimeError("the bench has too few objects")


def _sender(port: int, objects: list[tuple[Path, PresentationContext, str]]) -> float:
    begun = psutil.Process().cpu_times()
    remote = RemoteAe(_TITLE, host="127.0.0.1", port=port)
    contexts = {context for _, context, _ in objects}
    with PeerDestinations().open(remote, contexts, calling_ae_title="GATE") as sending:
        for path, context, uid in objects:
            sent = sending.send(path, context=context, sop_instance_uid=uid)
            if sent.status != 0:
                raise RuntimeError(f"status {sent.status:04X}")
    ended = psutil.Process().cpu_times()
    return ended.user + ended.system - begun.user - begun.system


def _storescu(port: int, directory: Path) -> float:
    begun = psutil.Process().cpu_times()
    subprocess.run(
        ["storescu", "-aec", _TITLE, "-aet", "GATE", "+sd", "127.0.0.1", str(port), str(directory)],
        check=True,
        env=_WITHOUT_DELAYS,
    )
    ended = psutil.Process().cpu_times()
    return ended.children_user + ended.children_system - begun.children_user - begun.children_system
