"""C-MOVE and C-GET through the gate against straight to the same Orthanc, with dcmtk's tools.

A C-MOVE goes to a `storescp` that throws away what it gets, a C-GET to a `getscu` that does.
Each tool asks for all studies in one request; eight associations are eight tools at once.

Called by `dimse`.
"""

import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.dimse_find import ASSOCIATIONS, Server
from bench.figures import Row

ROUNDS = 3
_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Stock:
    """What is asked for: studies, and how many objects and bytes of data sets they are together."""

    study_instance_uids: Sequence[str]
    objects: int
    size: int


@dataclass(frozen=True)
class _Tool:
    """A way to retrieve, and the arguments that only it needs."""

    service: str
    command: tuple[str, ...]


def tools(destination: str) -> tuple[_Tool, ...]:
    """C-MOVE to a destination, and C-GET."""
    return (
        _Tool("C-MOVE", ("movescu", "-aem", destination)),
        _Tool("C-GET", ("getscu", "--ignore")),
    )


@contextmanager
def discarding(title: str, port: int) -> Iterator[None]:
    """A Storage SCP that throws away what it gets."""
    process = subprocess.Popen(
        ["storescp", "--ignore", "--fork", "+xa", "-aet", title, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def measure(straight: Server, gated: Server, destination: str, stock: Stock) -> list[Row]:
    """The rows: each service with one association, then with eight, in turns."""
    rows = []
    for tool in tools(destination):
        for associations in ASSOCIATIONS:
            seconds: dict[str, list[float]] = {straight.name: [], gated.name: []}
            spent: dict[str, Mapping[str, float]] = {}
            for _ in range(ROUNDS):
                for server in (straight, gated):
                    before = _cpu_seconds(server)
                    seconds[server.name].append(_run(tool, server, associations, stock))
                    after = _cpu_seconds(server)
                    spent[server.name] = {name: round(after[name] - before[name], 2) for name in before}
            ratio = statistics.median(seconds[straight.name]) / statistics.median(seconds[gated.name])
            for server, shown in ((straight, None), (gated, ratio)):
                times = seconds[server.name]
                rows.append(_row(tool, server, associations, stock, times, spent[server.name], shown))
    return rows


def _run(tool: _Tool, server: Server, associations: int, stock: Stock) -> float:
    """Seconds until all tools have everything."""
    begun = time.perf_counter()
    running = [
        subprocess.Popen(
            _command(tool, server, stock), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(associations)
    ]
    said = [process.communicate(timeout=_PATIENCE_SECONDS)[0] for process in running]
    took = time.perf_counter() - begun
    if not all("Success" in text for text in said):
        raise RuntimeError(f"{tool.service} at {server.name} failed: {said[0][-500:]}")
    return took


def _command(tool: _Tool, server: Server, stock: Stock) -> list[str]:
    uids = "\\".join(stock.study_instance_uids)
    return [
        *tool.command,
        *("-v", "-S", "-aet", server.calling_ae_title, "-aec", server.called_ae_title),
        *("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={uids}"),
        *("127.0.0.1", str(server.port)),
    ]


def _row(
    tool: _Tool,
    server: Server,
    associations: int,
    stock: Stock,
    seconds: Sequence[float],
    cpu_seconds: Mapping[str, float],
    ratio: float | None,
) -> Row:
    median = statistics.median(seconds)
    over = "one association" if associations == 1 else f"{associations} associations"
    return Row(
        work=f"{tool.service} {server.name}, {over}",
        rate=round(associations * stock.objects / median, 1),
        unit="objects",
        p50_ms=round(median * 1e3, 1),
        p99_ms=round(max(seconds) * 1e3, 1),
        cpu_seconds=cpu_seconds,
        command=" ".join(_command(tool, server, Stock(("<all>",), 0, 0))),
        ratio=None if ratio is None else round(ratio, 2),
        notes={"MB/s": round(associations * stock.size / median / 1e6, 1), "objects": stock.objects},
    )


def _cpu_seconds(server: Server) -> dict[str, float]:
    return {
        name: sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)
        for name, pids in server.watch.items()
    }
