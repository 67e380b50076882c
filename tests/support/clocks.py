"""A clock that a test moves by hand."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class HandClock:
    """Both times move together, except when a test sets the wall clock back."""

    def __init__(self) -> None:
        self._now = START
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, **units: float) -> None:
        step = timedelta(**units)
        self._now += step
        self._monotonic += step.total_seconds()

    def set_back(self, **units: float) -> None:
        self._now -= timedelta(**units)
