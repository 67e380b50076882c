"""The nursery: the process that imports once what all processes of `serve` need, and forks each of them.

By itself each took two seconds of a processor to import, and 120 MB of its own to hold, what is the same in
all of them.  The nursery is started clean and does nothing but import: it has one thread, no database, no
trail, no loop and no secret, so there is nothing for a child to inherit half-done.  What must differ
between processes (trail segments, connections, files of numbers, random values) is made after the fork.

Called by `supervisor`, which itself imports none of what it starts.

Invariants:
- the nursery has one thread when it forks;
- it ends when the supervisor and all that were forked have ended, however they did;
- what runs an errand ends with the supervisor.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from typing import Any, TypeVar

from pacsgate.config import Settings
from pacsgate.model.errors import PacsgateError, SettingsError

KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(8 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""For the C library of the processes: what an object in passing took stays theirs for the next.  Given
back and taken again, its pages cost as much as reading it from the socket."""
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy would start threads for linear algebra, which nothing here does; they would be there at a fork."""
_PRELOADED = ("__main__", "pacsgate.bootstrap.preloaded")
ERRAND = "errand"
"""The name of a process that runs one."""
_NURSERY_LOST = 255
"""The exit code of a process whose nursery was killed: the nursery alone would have known the real one."""

_forks = multiprocessing.get_context("forkserver")

Answer = TypeVar("Answer")


def open_nursery() -> None:
    """Start it; it imports while the caller goes on.  Raises `SettingsError`.

    What is set in the environment later does not reach it.
    """
    for name, value in (KEPT_MEMORY | _ONE_THREAD).items():
        os.environ.setdefault(name, value)
    _forks.set_forkserver_preload(list(_PRELOADED))
    try:
        forkserver.ensure_running()
    except OSError as error:
        raise SettingsError(
            f"cannot open a socket to start processes by ({error}): "
            "the directory for temporary files (`TMPDIR`) must be writable, its path 70 characters at most"
        ) from error


def ready_event() -> Event:
    """What a process sets when it serves."""
    return _forks.Event()


def born(name: str, work: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that does `work`, of `entrances`, until it is told to stop.  Raises `PacsgateError`."""
    process = _forks.Process(target=_live, args=(work, *arguments), name=name)
    _start(process)
    return process


def bury(process: ForkServerProcess) -> None:
    """See to it that a process is gone which counts as dead: without its nursery it may still live."""
    if process.exitcode == _NURSERY_LOST and process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def answer_of(errand: Callable[[Settings], Answer], settings: Settings) -> Answer:
    """What an errand of `entrances` answers, run in a process that ends with it.

    So the caller keeps no thread and no connection.  The errand's `PacsgateError` is raised here.
    """
    answers, theirs = _forks.Pipe(duplex=False)
    with answers, theirs:
        # A daemon: what is not one is waited for after a Ctrl-C.
        process = _forks.Process(target=_run, args=(errand, settings, theirs), name=ERRAND, daemon=True)
        _start(process)
        theirs.close()
        try:
            answer, failure = answers.recv()
        except EOFError as error:
            raise PacsgateError("a process ended before it had answered; its own log says why") from error
        process.join()
    if failure is not None:
        raise _rebuilt(*failure)
    return answer  # type: ignore[no-any-return]  # it went through a pipe


def _start(process: ForkServerProcess) -> None:
    try:
        process.start()
    except (EOFError, OSError) as error:
        raise PacsgateError("the process that starts all others has ended; its own log says why") from error


def _live(work: Callable[..., None], *arguments: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until `work` has more to do at a stop
    work(*arguments)


def _run(errand: Callable[[Settings], Answer], settings: Settings, answers: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        answers.send((errand(settings), None))
    except PacsgateError as error:
        answers.send((None, (type(error), error.args, vars(error))))


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        wait([supervisor.sentinel])
        os._exit(1)  # as if killed with it: a start takes up what another has left


def _rebuilt(kind: type[PacsgateError], arguments: tuple[Any, ...], state: dict[str, Any]) -> PacsgateError:
    """An error as it was: not every one can be made of its arguments alone."""
    error = kind.__new__(kind, *arguments)
    vars(error).update(state)
    return error
