"""C-FIND through the gate against straight to the same Orthanc: the same questions in the same order.

The questions are those of the QIDO-RS bench, at STUDY level with the same attributes.  C-FIND has no
pages, so whoever asks sees all studies: both answer with the same rows.

Two clients: one of ours, on one association and then on eight, and dcmtk's findscu on one.

Called by `dimse`, and as a process of its own, which is the client: `python -m bench.dimse_find PLAN.json`.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from bench.dimse_asker import Asker
from bench.figures import Row, percentile
from bench.searches import questions
from bench.stage import Reader
from pacsgate.dicom.attributes import RETURNED_KEYWORDS
from pacsgate.dicom.file_meta import part10_head
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.data_sets import write_data_set
from pacsgate.upstream.dimse.peer import Peer

ASSOCIATIONS = (1, 8)
ROUNDS = 3
WARM_UP_SECONDS = 1.0
_GOAL = 5.0
_SEED = 20261122
_SOP_CLASS = "1.2.840.10008.5.1.4.1.2.2.1"
"""Study Root C-FIND."""


@dataclass(frozen=True)
class Server:
    """Who is asked, under which titles; `watch` are process ids by name, for their CPU time."""

    name: str
    port: int
    called_ae_title: str
    calling_ae_title: str
    watch: Mapping[str, Sequence[int]]


def measure(straight: Server, gated: Server, plans: Path, seconds: float) -> list[Row]:
    """The rows: each server with one association, with eight, and asked by findscu."""
    rows = []
    for associations in ASSOCIATIONS:
        files = [_plan(server, plans, associations, seconds / ROUNDS) for server in (straight, gated)]
        seen: list[list[Mapping[str, Any]]] = [[], []]
        for _ in range(ROUNDS):
            for file, so_far in zip(files, seen, strict=True):
                so_far.append(_carried_out(file))
        rates = [_rate(rounds) for rounds in seen]
        for server, file, rounds, ratio in zip(
            (straight, gated), files, seen, (None, rates[1] / rates[0]), strict=True
        ):
            rows.append(_row(server, file, rounds, associations, ratio))
    return rows + _by_findscu((straight, gated), plans / "find-questions")


def identifiers() -> list[bytes]:
    """Distinct questions, in Explicit VR Little Endian."""
    keywords = sorted(RETURNED_KEYWORDS[Level.STUDY] - {"RetrieveURL"})
    made = []
    for question in questions(Reader("everybody", _Everything(), "")):
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "STUDY"
        for keyword in keywords:
            setattr(identifier, keyword, "")
        values = dict(part.split("=") for part in question.split("&"))
        if values.pop("offset", "0") == "0":
            values.pop("limit")
            for keyword, value in values.items():
                setattr(identifier, keyword, value)
            made.append(write_data_set(identifier, ExplicitVRLittleEndian))
    return made


class _Everything(frozenset[str]):
    """Every department."""

    def __contains__(self, _: object) -> bool:
        return True


def _plan(server: Server, plans: Path, associations: int, seconds: float) -> Path:
    file = plans / f"find-{server.name}-{associations}.plan.json"
    plan = {
        "port": server.port,
        "called": server.called_ae_title,
        "calling": server.calling_ae_title,
        "associations": associations,
        "seconds": seconds,
        "watch": {name: list(pids) for name, pids in server.watch.items()},
    }
    file.write_text(json.dumps(plan, indent=1))
    return file


def _carried_out(plan: Path) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "bench.dimse_find", str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"the client failed at {plan.name}: {done.stderr or done.stdout}")
    return json.loads(done.stdout)


def _by_findscu(servers: Sequence[Server], questions_in: Path) -> list[Row]:
    """A row for each server: all questions, one after the other, on one association."""
    questions_in.mkdir(exist_ok=True)
    asked = identifiers()
    for number, identifier in enumerate(asked):
        head = part10_head(_SOP_CLASS, f"1.2.{number}", str(ExplicitVRLittleEndian))
        (questions_in / f"{number:04}.dcm").write_bytes(head + identifier)
    rows, rates = [], []
    for server in servers:
        titles = ["-aet", server.calling_ae_title, "-aec", server.called_ae_title]
        command = ["findscu", "-S", *titles, "127.0.0.1", str(server.port), "*.dcm"]
        files = sorted(map(str, questions_in.iterdir()))
        watched = {name: [psutil.Process(pid) for pid in pids] for name, pids in server.watch.items()}
        before, begun = _cpu_seconds(watched), time.perf_counter()
        done = subprocess.run(
            [*command[:-1], *files], capture_output=True, text=True, timeout=300, check=True
        )
        seconds, after = time.perf_counter() - begun, _cpu_seconds(watched)
        rates.append(len(asked) / seconds)
        ratio = rates[-1] / rates[0] if len(rates) > 1 else None
        mean = seconds / len(asked) * 1e3
        rows.append(
            Row(
                work=f"C-FIND by findscu {server.name}, one association",
                rate=round(rates[-1], 1),
                unit="queries",
                p50_ms=mean,
                p99_ms=mean,
                cpu_seconds={name: round(after[name] - before[name], 2) for name in before},
                command=" ".join(command),
                goal="" if ratio is None else f"at least {_GOAL:g} x Orthanc",
                reached=None if ratio is None else ratio >= _GOAL,
                ratio=None if ratio is None else round(ratio, 2),
                notes={
                    "rows": (done.stdout + done.stderr).count("(Pending)"),
                    "p50 and p99": "the mean of all: findscu tells no more",
                },
            )
        )
    return rows


def _rate(rounds: Sequence[Mapping[str, Any]]) -> float:
    return sum(len(each["latencies_ms"]) for each in rounds) / sum(each["seconds"] for each in rounds)


def _row(
    server: Server, file: Path, rounds: Sequence[Mapping[str, Any]], associations: int, ratio: float | None
) -> Row:
    latencies = [latency for each in rounds for latency in each["latencies_ms"]]
    over = "one association" if associations == 1 else f"{associations} associations"
    return Row(
        work=f"C-FIND {server.name}, {over}",
        rate=round(_rate(rounds), 1),
        unit="queries",
        p50_ms=percentile(latencies, 0.5),
        p99_ms=percentile(latencies, 0.99),
        cpu_seconds={
            name: round(sum(each["cpu_seconds"][name] for each in rounds), 2)
            for name in rounds[0]["cpu_seconds"]
        },
        command=f"python -m bench.dimse_find {file.name}",
        goal="" if ratio is None else f"at least {_GOAL:g} x Orthanc",
        reached=None if ratio is None else ratio >= _GOAL,
        ratio=None if ratio is None else round(ratio, 2),
        notes={
            "distinct queries": len(identifiers()),
            "rows per query": round(sum(each["rows"] for each in rounds) / max(1, len(latencies)), 1),
        },
    )


# ------------------------------------------------------------------ the client


class _Tally:
    """What all associations saw within the measured part."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self.latencies: list[float] = []
        self.rows = 0


def _keep_asking(plan: Mapping[str, Any], tally: _Tally, seed: int) -> None:
    asked = identifiers()
    order = random.Random(seed)
    peer = Peer("127.0.0.1", plan["port"], plan["called"], plan["calling"])
    with Asker(peer, _SOP_CLASS) as asker:
        while time.perf_counter() < tally.end:
            order.shuffle(asked)
            for identifier in asked:
                begun = time.perf_counter()
                rows = asker.ask(identifier)
                done = time.perf_counter()
                if tally.begin <= done < tally.end:
                    tally.latencies.append(done - begun)
                    tally.rows += rows
                if done >= tally.end:
                    break


def run(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """Carry out a plan."""
    begin = time.perf_counter() + WARM_UP_SECONDS
    tally = _Tally(begin, begin + plan["seconds"])
    watched = {name: [psutil.Process(pid) for pid in pids] for name, pids in plan["watch"].items()}
    watched["client"] = [psutil.Process()]
    threads = [
        threading.Thread(target=_keep_asking, args=(plan, tally, _SEED + number))
        for number in range(plan["associations"])
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, tally.begin - time.perf_counter()))
    before = _cpu_seconds(watched)
    time.sleep(max(0.0, tally.end - time.perf_counter()))
    after = _cpu_seconds(watched)
    for thread in threads:
        thread.join()
    return {
        "seconds": plan["seconds"],
        "rows": tally.rows,
        "latencies_ms": [round(latency * 1e3, 3) for latency in tally.latencies],
        "cpu_seconds": {name: round(after[name] - before[name], 2) for name in before},
    }


def _cpu_seconds(watched: Mapping[str, Sequence[psutil.Process]]) -> dict[str, float]:
    return {
        name: sum(sum(process.cpu_times()[:2]) for process in processes)
        for name, processes in watched.items()
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text()))))
