"""C-STORE of 300 x 512 KiB through the gate against straight to the same Orthanc, with dcmtk's storescu.

One association stores them all, then eight store a share each.  As it is installed, storescu waits some
40 ms within each object for an acknowledgement that Orthanc's system delays, and the gate's does not; so
one association is measured without that, too.  While eight store, somebody searches over DICOMweb,
which shares the database and the processors with them.

Called by `dimse`.
"""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import psutil
import requests
from pydicom import dcmread
from pydicom.uid import generate_uid

from bench.dimse_find import ASSOCIATIONS, Server
from bench.figures import Row, percentile
from bench.images import part10, studies

OBJECTS = 300
ROUNDS = 3
_GOAL = 0.9
_WAYS = ((1, False), *((associations, True) for associations in ASSOCIATIONS))
"""How many associations, and whether storescu sends at once."""
_PER_STUDY = 50
_PATIENCE_SECONDS = 600
_IDLE_SECONDS = 3.0


@dataclass
class _Seen:
    """What became of one server in all rounds."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=dict)


def measure(straight: Server, gated: Server, directory: Path, url: str, token: str) -> list[Row]:
    """The rows: each server with one association, then with eight; then searches meanwhile."""
    rows = []
    latencies: list[float] = []
    for associations, prompt in _WAYS:
        seen = {server.name: _Seen() for server in (straight, gated)}
        for number in range(ROUNDS):
            for server in (straight, gated):
                name = f"store-{server.name}-{associations}-{prompt}-{number}"
                shares = _made(directory / name, associations)
                watched = associations > 1 and server is gated
                with _searching(url, token, latencies if watched else None):
                    _store(server, shares, seen[server.name], prompt=prompt)
        ratio = _median(seen[straight.name]) / _median(seen[gated.name])
        over = _described(associations, prompt=prompt)
        rows.append(_row(straight, over, seen[straight.name], None))
        rows.append(_row(gated, over, seen[gated.name], ratio))
    idle: list[float] = []
    with _searching(url, token, idle):
        time.sleep(_IDLE_SECONDS)
    rows.append(_searches("while nobody stores", idle, None))
    rows.append(_searches(f"while {ASSOCIATIONS[-1]} associations store", latencies, idle))
    return rows


def _made(directory: Path, shares: int) -> list[list[Path]]:
    """New objects, as many as are stored in one round, for each association its share."""
    directory.mkdir()
    template = dcmread(BytesIO(next(part10(studies()[0]))))
    made: list[list[Path]] = [[] for _ in range(shares)]
    for number in range(OBJECTS):
        if number % _PER_STUDY == 0:
            template.StudyInstanceUID, template.SeriesInstanceUID = generate_uid(), generate_uid()
            template.PatientID = f"STORED-{template.StudyInstanceUID[-12:]}"
        template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        template.InstanceNumber = number + 1
        path = directory / f"{number:03}.dcm"
        template.save_as(path, enforce_file_format=True)
        made[number * shares // OBJECTS].append(path)
    return made


def _store(server: Server, shares: Sequence[Sequence[Path]], seen: _Seen, *, prompt: bool) -> None:
    environment = {**os.environ, "TCP_NODELAY": "1"} if prompt else dict(os.environ)
    if not prompt:
        environment.pop("TCP_NODELAY", None)
    before = _cpu_seconds(server)
    begun = time.perf_counter()
    running = [
        subprocess.Popen(
            [*_command(server), *map(str, share)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        for share in shares
    ]
    said = "".join(process.communicate(timeout=_PATIENCE_SECONDS)[0] for process in running)
    seen.seconds.append(time.perf_counter() - begun)
    for name, seconds in _cpu_seconds(server).items():
        seen.cpu_seconds[name] = seen.cpu_seconds.get(name, 0.0) + seconds - before[name]
    stored = said.count("Received Store Response (Success)")
    if stored != OBJECTS:
        raise RuntimeError(f"{server.name} took {stored} of {OBJECTS} objects: {said[-500:]}")
    for share in shares:
        for path in share:
            path.unlink()


@contextmanager
def _searching(url: str, token: str, latencies: list[float] | None) -> Iterator[None]:
    """Somebody who searches again and again, unless there is nothing to put the times in."""
    done = threading.Event()
    thread = threading.Thread(target=_search, args=(url, token, done, latencies))
    if latencies is not None:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if latencies is not None:
            thread.join()


def _search(url: str, token: str, done: threading.Event, latencies: list[float]) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    while not done.wait(0.02):
        begun = time.perf_counter()
        answer = session.get(f"{url}/dicom-web/studies", params={"limit": "25"}, timeout=60)
        latencies.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise RuntimeError(f"a search was answered {answer.status_code}")


def _described(associations: int, *, prompt: bool) -> str:
    over = "one association" if associations == 1 else f"{associations} associations"
    return over if prompt else f"{over}, storescu as installed"


def _row(server: Server, over: str, seen: _Seen, ratio: float | None) -> Row:
    return Row(
        work=f"C-STORE {server.name}, {over}",
        rate=round(OBJECTS / _median(seen), 1),
        unit="objects",
        p50_ms=round(_median(seen) / OBJECTS * 1e3, 2),
        p99_ms=round(max(seen.seconds) / OBJECTS * 1e3, 2),
        cpu_seconds={name: round(seconds, 2) for name, seconds in seen.cpu_seconds.items()},
        command=" ".join([*_command(server), "…"]),
        goal="" if ratio is None else f"at least {_GOAL} x Orthanc",
        reached=None if ratio is None else ratio >= _GOAL,
        ratio=None if ratio is None else round(ratio, 2),
        notes={"objects": OBJECTS, "rounds": ROUNDS, "MB/s": round(OBJECTS * 0.524288 / _median(seen), 1)},
    )


def _searches(when: str, latencies: Sequence[float], idle: Sequence[float] | None) -> Row:
    median = percentile(latencies, 0.5)
    return Row(
        work=f"QIDO-RS {when}",
        rate=round(len(latencies) / sum(latencies), 1),
        unit="searches",
        p50_ms=round(median * 1e3, 2),
        p99_ms=round(percentile(latencies, 0.99) * 1e3, 2),
        cpu_seconds={},
        command="GET /dicom-web/studies?limit=25",
        ratio=None if idle is None else round(median / percentile(idle, 0.5), 2),
        notes={"searches": len(latencies)},
    )


def _median(seen: _Seen) -> float:
    return statistics.median(seen.seconds)


def _command(server: Server) -> list[str]:
    return [
        *("storescu", "-v", "-nh", "-aet", server.calling_ae_title, "-aec", server.called_ae_title),
        *("127.0.0.1", str(server.port)),
    ]


def _cpu_seconds(server: Server) -> Mapping[str, float]:
    return {
        name: sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)
        for name, pids in server.watch.items()
    }
