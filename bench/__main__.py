"""`make bench`: measures every row, prints a table, keeps it as JSON in `bench/results/`.

Run: `python -m bench [--quick] [--seconds S] [--only PART …] [--studies N …]`.  Lists are measured over
100,000 studies and over each larger archive that an earlier run has loaded: `--studies 10000000`
loads one, which takes minutes.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import audit, credentials, decisions, dimse, instances, orthanc, orthanc_stage, queueing, searches
from bench.asking import Asker
from bench.figures import Row
from bench.lists import activation, measuring
from bench.lists.databases import kept_sizes
from bench.stage import set_up

RESULTS = Path(__file__).parent / "results"
QUICK_STUDIES = 100_000
QUICK_SECONDS = 3.0
_BY_ITSELF = {"decisions": decisions.measure, "audit": audit.measure}
_ON_LISTS = {"lists": measuring.measure, "activation": activation.measure}
_ON_STAGE = {"searches": searches.measure, "instances": instances.measure}
_ON_ORTHANC = {"orthanc": orthanc.measure}


def main() -> None:
    """Measures what is asked for."""
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    rows = [row for name, measure in _BY_ITSELF.items() if name in options.only for row in measure()]
    for studies in options.studies or _sizes(quick=options.quick):
        wanted = [measure for name, measure in _ON_LISTS.items() if name in options.only]
        rows += [row for measure in wanted for row in measure(studies, print)]
    asker = Asker(RESULTS, QUICK_SECONDS if options.quick else options.seconds)
    if on_stage := [measure for name, measure in _ON_STAGE.items() if name in options.only]:
        with _directory() as directory, set_up(directory) as stage:
            rows += [row for measure in on_stage for row in measure(stage, asker)]
    if on_orthanc := [measure for name, measure in _ON_ORTHANC.items() if name in options.only]:
        with _directory() as directory, orthanc_stage.set_up(directory) as ways:
            rows += [row for measure in on_orthanc for row in measure(ways, asker)]
    if "credentials" in options.only:
        with _directory() as directory:
            rows += credentials.measure(directory, RESULTS, quick=options.quick)
    if "dimse" in options.only:
        with _directory() as directory:
            rows += dimse.measure(directory, QUICK_SECONDS if options.quick else options.seconds)
    if "queue" in options.only:
        with _directory() as directory:
            rows += queueing.measure(directory, quick=options.quick)
    machine = _machine()
    (RESULTS / "latest.json").write_text(
        json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1), "utf-8"
    )
    _print(machine, rows)


def _sizes(*, quick: bool) -> list[int]:
    """How many studies lists are measured over: few, and as many as were loaded before."""
    return [QUICK_STUDIES] if quick else sorted({QUICK_STUDIES, *kept_sizes()})


def _options() -> argparse.Namespace:
    every = [*_BY_ITSELF, *_ON_LISTS, *_ON_STAGE, *_ON_ORTHANC, "credentials", "dimse", "queue"]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the gate on this machine.")
    parser.add_argument("--only", nargs="+", choices=every, default=every, help="measure these parts")
    parser.add_argument(
        "--quick", action="store_true", help="lists over 100,000 studies, and all for a shorter time"
    )
    parser.add_argument(
        "--studies",
        nargs="+",
        type=int,
        help="lists over so many; they are loaded first, which takes minutes",
    )
    parser.add_argument("--seconds", type=float, default=9.0, help="how long each row over HTTP is measured")
    return parser.parse_args()


@contextmanager
def _directory() -> Iterator[Path]:
    # Not under /tmp, which may be a tmpfs: what is durable there costs nothing.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as name:
        yield Path(name)


def _machine() -> dict[str, Any]:
    orthanc = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "orthanc": orthanc.partition("\n")[0],
        "load of the last minute": os.getloadavg()[0],
    }


def _print(machine: dict[str, Any], rows: list[Row]) -> None:
    table = Table("work", "rate", "p50", "p99", "CPU seconds", "ratio", "goal", title=json.dumps(machine))
    for row in rows:
        table.add_row(
            row.work,
            f"{row.rate:,} {row.unit}/s",
            _time(row.p50_ms),
            _time(row.p99_ms),
            ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.cpu_seconds.items()),
            "" if row.ratio is None else f"{row.ratio} x",
            row.goal if row.reached is None else f"{row.goal}: {'reached' if row.reached else 'missed'}",
        )
    console = Console(width=max(150, Console().width))
    console.print(table)
    for row in rows:
        console.print(f"{row.work}: {row.command}  {json.dumps(row.notes)}", soft_wrap=True, highlight=False)


def _time(milliseconds: float) -> str:
    return f"{milliseconds * 1e3:.2f} µs" if milliseconds < 0.1 else f"{milliseconds:.2f} ms"


if __name__ == "__main__":
    main()
