"""What is hidden takes as long as what is missing, at Orthanc's own identifiers as over DICOMweb.

Five rounds of 200 pairs, hidden and missing by turns.  The medians may differ by chance in some round; to differ by
more than 5 % the same way in four of five is no chance.
"""

import statistics
import time
from collections.abc import Iterator

import pytest

from tests.support.guarded_orthanc import GuardedOrthanc
from tests.support.orthanc_ids import ids_of

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.server("orthanc"), pytest.mark.timeout(900)]

ROUNDS = 5
PAIRS = 200
DIFFERENCE = 0.05
TOO_OFTEN = 4


def missing_names() -> Iterator[str]:
    """Identifiers of nothing, each asked once, as the hidden ones are many."""
    number = 0
    while True:
        number += 1
        yield f"{number:08x}-0badbad0-0badbad0-0badbad0-0badbad0"


def hidden_instances(guarded: GuardedOrthanc) -> list[str]:
    """Identifiers of all instances that rad1 does not see."""
    hidden = (objects for name, objects in guarded.hospital.objects.items() if name != "S1")
    return [ids_of(one)[3] for objects in hidden for one in objects]


@pytest.mark.parametrize("path", ["/instances/{}", "/instances/{}/file", "/instances/{}/tags"])
def test_hidden_and_missing_take_the_same_time(guarded_orthanc: GuardedOrthanc, path: str) -> None:
    rad1 = guarded_orthanc.client("rad1")
    made_up = missing_names()
    hidden = hidden_instances(guarded_orthanc)
    slower: list[int] = []
    told = []
    for round_number in range(ROUNDS):
        spent: dict[str, list[float]] = {"hidden": [], "missing": []}
        for pair in range(PAIRS):
            asked = {"hidden": hidden[pair % len(hidden)], "missing": next(made_up)}
            for kind in ("hidden", "missing") if pair % 2 else ("missing", "hidden"):
                begun = time.perf_counter()
                answer = rad1.get(path.format(asked[kind]))
                spent[kind].append(time.perf_counter() - begun)
                assert answer.status_code == 404
        here, there = (statistics.median(spent[kind]) for kind in ("hidden", "missing"))
        told.append(f"round {round_number + 1}: hidden {here * 1000:.2f} ms, missing {there * 1000:.2f} ms")
        slower.append((here > there * (1 + DIFFERENCE)) - (there > here * (1 + DIFFERENCE)))
    assert max(slower.count(1), slower.count(-1)) < TOO_OFTEN, "\n".join(told)
