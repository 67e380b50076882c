"""Other engines, asked the same questions about the same policy in the same run.

Each peer is given the policy in its own language as its users would write it; all that can be
made ready beforehand is, and only the call that decides is timed.  Every verdict is compared with ours.

Called by `decisions`.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator

from bench.figures import Row, percentile
from bench.peers import casbin, cedar, cel, rego
from bench.peers.question import Question
from pacsgate.policy.policy import Policy

Peer = Callable[[Policy, list[Question]], Iterator[Callable[[], bool]]]
"""From a policy and questions to one call for each."""

PEERS: tuple[tuple[str, Peer, int, float | None], ...] = (
    ("cedarpy, policy and entity handles", cedar.calls, 2_000, 100),
    ("cel-expr-python, one merged expression", cel.calls, 20_000, 10),
    ("opa-eval (regorus)", rego.calls, 1_000, None),
    ("pycasbin, eval() rules", casbin.calls, 40, None),
)
"""Name, calls, how many are measured, and by what factor we are to be faster."""


def measure(policy: Policy, questions: list[Question], ours_us: float) -> Iterator[Row]:
    """One row for each peer; the ratio is how many times as long as ours its median decision takes."""
    for name, calls, count, factor in PEERS:
        asked = questions[:count]
        took, cpu = _timed(zip(asked, calls(policy, asked), strict=True), name)
        p50, p99 = percentile(took, 0.5) / 1e3, percentile(took, 0.99) / 1e3
        ratio = round(p50 / ours_us, 1)
        yield Row(
            work=f"the same by {name}",
            rate=round(len(took) / (sum(took) / 1e9)),
            unit="decisions",
            p50_ms=round(p50 / 1e3, 6),
            p99_ms=round(p99 / 1e3, 6),
            cpu_seconds={"bench": round(cpu, 2)},
            command="python -m bench.decisions",
            goal="" if factor is None else f"ours {factor:g} x as fast",
            reached=None if factor is None else ratio >= factor,
            ratio=ratio,
            notes={"made": len(took), "verdicts equal to ours": len(took)},
        )


def _timed(calls: Iterable[tuple[Question, Callable[[], bool]]], name: str) -> tuple[list[int], float]:
    ready = list(calls)
    took = []
    gc.collect()
    cpu = time.process_time()
    for question, call in ready:
        started = time.perf_counter_ns()
        allowed = call()
        took.append(time.perf_counter_ns() - started)
        if allowed is not question.allowed:
            raise RuntimeError(f"{name} says {allowed}, we say {question.allowed}: {question}")
    return took, time.process_time() - cpu
