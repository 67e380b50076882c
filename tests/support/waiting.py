"""Waiting for what becomes true by itself."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.1


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Asks again and again; fails when it has not become true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(_PAUSE_SECONDS)
