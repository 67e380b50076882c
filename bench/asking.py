"""Sends the client at a server and makes a row of what it saw.

Called by the modules that measure over HTTP.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Question:
    """One GET."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Asker:
    """Where plans are kept, and how long each is carried out."""

    plans: Path
    seconds: float
    seed: int = 20261121

    def ask(
        self,
        name: str,
        port: int,
        questions: Sequence[Question],
        *,
        connections: int,
        watch: Mapping[str, Iterable[int]],
        expected: Sequence[int] = (200,),
    ) -> tuple[dict[str, Any], str]:
        """Carry out a plan in a process of its own; what it printed, and the command."""
        plan = {
            "host": "127.0.0.1",
            "port": port,
            "connections": connections,
            "seconds": self.seconds,
            "warm_up_seconds": min(1.0, self.seconds / 3),
            "seed": self.seed,
            "expected": list(expected),
            "watch": {process: list(pids) for process, pids in watch.items()},
            "requests": [{"path": one.path, "headers": dict(one.headers)} for one in questions],
        }
        file = self.plans / f"{name}.plan.json"
        file.write_text(json.dumps(plan, indent=1))
        command = [sys.executable, "-m", "bench.load", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"the client failed at {name}: {done.stderr or done.stdout}")
        return json.loads(done.stdout), f"python -m bench.load {file.name}"


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
