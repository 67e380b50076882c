"""Sends the client at several servers in turn, and sums up what it saw of each.

Whatever else the machine does meanwhile, it does to all of them: each gets
several short rounds, one after the other.

Called by the modules that measure over HTTP.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROUNDS = 3
WARM_UP_SECONDS = 1.0
_CLIENT_SECONDS = 120
_SEED = 20261121
_ADDRESS = "127.0.0.2"
"""Of the client, so that the gate can tell it from the proxies on this machine."""


@dataclass(frozen=True)
class Question:
    """One request; a body makes it a POST."""

    path: str
    headers: Mapping[str, str]
    body: str = ""

    @property
    def plan(self) -> dict[str, object]:
        """As the client reads it."""
        method = "POST" if self.body else "GET"
        return {"method": method, "path": self.path, "headers": dict(self.headers), "body": self.body}


@dataclass(frozen=True)
class ClientTls:
    """What a client over TLS trusts, and the certificate and key that it shows."""

    ca_file: Path
    shown: tuple[Path, Path] | None = None

    @property
    def plan(self) -> dict[str, object]:
        """As the client reads it."""
        return {"ca_file": str(self.ca_file), "shown": [str(file) for file in self.shown or ()]}


@dataclass(frozen=True)
class Candidate:
    """One server and what it is asked."""

    name: str
    port: int
    questions: Sequence[Question]
    watch: Mapping[str, Iterable[int]]
    """Process ids by name, for their CPU time."""
    expected: Sequence[int] = (200,)
    tls: ClientTls | None = None


@dataclass
class Seen:
    """What the client saw of one candidate in all rounds."""

    command: str
    seconds: float = 0.0
    bytes: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    cpu_seconds: Counter[str] = field(default_factory=Counter)
    spans: list[tuple[float, float]] = field(default_factory=list)
    """The measured parts, by the clock that all processes of this machine share."""

    @property
    def requests(self) -> int:
        """Answers within the measured parts."""
        return len(self.latencies_ms)

    def add(self, seen: Mapping[str, Any]) -> None:
        """Take another round in."""
        self.seconds += seen["seconds"]
        self.bytes += seen["bytes"]
        self.latencies_ms += seen["latencies_ms"]
        self.cpu_seconds.update(seen["cpu_seconds"])
        self.spans.append((seen["began"], seen["ended"]))

    def merge(self, seen: "Seen") -> None:
        """Take in what was seen of the same kind at another time."""
        self.seconds += seen.seconds
        self.bytes += seen.bytes
        self.latencies_ms += seen.latencies_ms
        self.cpu_seconds.update(seen.cpu_seconds)
        self.spans += seen.spans


@dataclass(frozen=True)
class Asker:
    """Where plans are kept, and how long each server is measured in all, in how many rounds."""

    plans: Path
    seconds: float
    rounds: int = ROUNDS
    warm_up_seconds: float = WARM_UP_SECONDS

    def compare(self, candidates: Sequence[Candidate], *, connections: int) -> list[Seen]:
        """Ask all candidates in turn, several times; a process of its own asks."""
        files = [self._plan(candidate, connections) for candidate in candidates]
        seen = [Seen(f"python -m bench.load {file.name}") for file in files]
        for _ in range(self.rounds):
            for file, so_far in zip(files, seen, strict=True):
                so_far.add(_carried_out(file))
        return seen

    def _plan(self, candidate: Candidate, connections: int) -> Path:
        plan = {
            "host": "127.0.0.1",
            "port": candidate.port,
            "address": _ADDRESS,
            "connections": connections,
            "seconds": self.seconds / self.rounds,
            "warm_up_seconds": self.warm_up_seconds,
            "seed": _SEED,
            "expected": list(candidate.expected),
            "watch": {name: list(pids) for name, pids in candidate.watch.items()},
            "tls": candidate.tls.plan if candidate.tls else None,
            "requests": [question.plan for question in candidate.questions],
        }
        file = self.plans / f"{candidate.name}.plan.json"
        file.write_text(json.dumps(plan, indent=1))
        return file


def _carried_out(plan: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load", str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_CLIENT_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"the client failed at {plan.name}: {done.stderr or done.stdout}")
    return json.loads(done.stdout)


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
