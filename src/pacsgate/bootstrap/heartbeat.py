"""Whether the background process is at work: it leaves the time of its last round where workers find it.

Without it nothing ends visits, signs manifests, reads changed policy files or follows feeds, while requests
are still answered.  The time is the modification time of an empty file, and monotonic, as all processes of
one machine count it: no jump of the clock makes a dead process live, and a full disk stops no heart.

Beaten by `background`; asked by `worker` for `/readyz`.

Invariants:
- a process that hangs in a job counts as one that is gone.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pacsgate.config import Settings
from pacsgate.ports import Clock

SILENT_SECONDS = 20.0
"""Longer than a round takes, and than a process that died takes to be replaced."""
_NANOSECONDS = 1_000_000_000
_BEAT_SECONDS = 1.0


@dataclass(slots=True)
class Heartbeat:
    """The heartbeat of one installation on this machine."""

    file: Path
    clock: Clock
    _beaten: float = field(default=float("-inf"), init=False)

    @classmethod
    def of(cls, settings: Settings, clock: Clock) -> "Heartbeat":
        """That of an installation."""
        return cls(settings.data / "background.alive", clock)

    def beat(self) -> None:
        """Say that a round was made, once a second at most.  Raises `OSError`."""
        now = self.clock.monotonic()
        if now - self._beaten < _BEAT_SECONDS:
            return
        self.file.touch(mode=0o600)
        instant = int(now * _NANOSECONDS)
        os.utime(self.file, ns=(instant, instant))
        self._beaten = now

    def problems(self) -> Sequence[str]:
        """What `/readyz` says of it."""
        try:
            last = self.file.stat().st_mtime_ns / _NANOSECONDS
        except FileNotFoundError:
            last = float("-inf")
        # What lies ahead was left behind by a machine that has been started again since.
        if 0 <= self.clock.monotonic() - last <= SILENT_SECONDS:
            return ()
        return (
            "the background process does not answer: no visit ends, no manifest is signed, no file is read",
        )
