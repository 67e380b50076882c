"""One row of the table, and how a distribution becomes two numbers.

Called by every module that measures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """What was done, how fast, and what it cost.

    `rate` is in `unit` per second.  `cpu_seconds` is by process, for the measured part only.
    """

    work: str
    rate: float
    unit: str
    p50_ms: float
    p99_ms: float
    cpu_seconds: Mapping[str, float]
    command: str
    goal: str = ""
    reached: bool | None = None
    ratio: float | None = None
    notes: Mapping[str, float | str] = field(default_factory=dict)


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which this part of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
