"""What the nursery tells the C library of its processes: memory of passing objects is kept for the next."""

import os
import subprocess
import sys

import pytest

from pacsgate.bootstrap.nursery import KEPT_MEMORY

# Four objects of half a megabyte come and go together, a hundred times: how many pages had to be taken anew?
_PASSING = """\
import resource
def passing():
    objects = [b"x" * 525_000 for _ in range(4)]
passing()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    passing()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_taken(**environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", _PASSING]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the GNU C library's own settings")
def test_memory_is_not_given_back_between_objects() -> None:
    assert pages_taken(**KEPT_MEMORY) * 10 < pages_taken()
