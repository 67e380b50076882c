"""What wakes a thread: never missed, whenever it is given."""

import threading
import time

from pacsgate.gateway.dimse.bell import Nudge


def test_a_nudge_that_was_given_before_anybody_waited_is_not_missed() -> None:
    nudge = Nudge()
    nudge.give()
    begun = time.monotonic()
    nudge.await_one(5)
    assert time.monotonic() - begun < 1


def test_many_nudges_wake_once_and_none_wakes_nobody() -> None:
    nudge = Nudge()
    for _ in range(100):
        nudge.give()
    nudge.await_one(5)
    begun = time.monotonic()
    nudge.await_one(0.05)
    assert time.monotonic() - begun >= 0.05


def test_whatever_is_put_down_before_a_nudge_is_seen_by_who_wakes() -> None:
    nudge, put_down, seen = Nudge(), [], []  # type: ignore[var-annotated]

    def look() -> None:
        while len(seen) < 2000:
            nudge.await_one(5)
            while put_down:
                seen.append(put_down.pop(0))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    for number in range(2000):
        put_down.append(number)
        nudge.give()
    looking.join(timeout=10)
    assert seen == list(range(2000))
