"""Servers that end with the test that started them, however it ends."""

import ctypes
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 20


@contextmanager
def running(
    command: Sequence[str], log: Path, *, stop: signal.Signals = signal.SIGTERM
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a program with its output in `log`; stop it when the block ends, or when this process dies.

    `stop` is SIGKILL for what takes its time to end and has nothing left to say.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock is taken
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
