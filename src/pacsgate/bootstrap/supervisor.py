"""`serve`: N HTTP workers, N DIMSE processes and one background process, watched and stopped together.

The listening sockets are opened here and shared, so a worker that dies is
replaced without a connection being refused.  Nothing else of the installation is: what has to be done
in it is an errand of a process in passing, and all processes come from the `nursery`.

Called by `pacsgate serve` and `pacsgate demo`.

Invariants:
- nothing listens before there is a policy, a writable trail and a reconciled index;
- when `run` returns, no process that served is left; the nursery ends with this one.
"""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from types import FrameType

import structlog

from pacsgate.bootstrap import entrances, nursery
from pacsgate.bootstrap.grace import GRACE_SECONDS
from pacsgate.bootstrap.upstream_security import refuse_insecure_upstreams
from pacsgate.config import Settings
from pacsgate.model.errors import PacsgateError, SettingsError

_log = structlog.get_logger("pacsgate.supervisor")

_DICOM = "dicom"
_HL7 = "hl7"
_READY_SECONDS = 60
_RESTART_PAUSE_SECONDS = 1.0
"""Between the death of a worker and its successor, so that one that cannot start does not spin."""


@dataclass(slots=True)
class Supervisor:
    """The processes of one installation."""

    settings: Settings
    insecure_upstream: bool = False
    """Whether ways to archives may be open to others."""
    sockets: list[socket.socket] = field(default_factory=list)
    dicom_sockets: list[socket.socket] = field(default_factory=list)
    hl7_sockets: list[socket.socket] = field(default_factory=list)
    _processes: dict[str, ForkServerProcess] = field(default_factory=dict)
    _stopping: bool = False

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens: host and port of each listener, in configured order."""
        return [(listener.getsockname()[0], listener.getsockname()[1]) for listener in self.sockets]

    @property
    def dicom_addresses(self) -> list[tuple[str, int]]:
        """Where it speaks DIMSE: host and port of each DICOM listener, in configured order."""
        return [(listener.getsockname()[0], listener.getsockname()[1]) for listener in self.dicom_sockets]

    @property
    def hl7_addresses(self) -> list[tuple[str, int]]:
        """Where it hears HL7 messages: host and port of each listener, in configured order."""
        return [(listener.getsockname()[0], listener.getsockname()[1]) for listener in self.hl7_sockets]

    def prepare(self) -> None:
        """Check everything that must hold before anything listens, then open the sockets.

        Raises `SettingsError`; with a stored revision a broken policy file does not stop the start.
        """
        if not self.insecure_upstream:
            refuse_insecure_upstreams(self.settings)
        self._share_metrics()
        nursery.open_nursery()
        nursery.answer_of(entrances.preparation, self.settings)
        self.sockets = [_listen(listener.host, listener.port) for listener in self.settings.listeners]
        dicom = self.settings.dicom.listeners if self.settings.dicom else ()
        self.dicom_sockets = [_listen(listener.host, listener.port) for listener in dicom]
        hl7 = self.settings.hl7.listeners if self.settings.hl7 else ()
        self.hl7_sockets = [_listen(listener.host, listener.port) for listener in hl7]

    def setup_code(self) -> str | None:
        """A new set-up code while nobody can administer the gate; `None` afterwards."""
        return nursery.answer_of(entrances.setup_code, self.settings)

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start every process, call `on_ready` once all answer, and serve until SIGTERM or SIGINT."""
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for name in self._names():
                if not self._stopping:
                    self._start(name)
            if not self._stopping:
                on_ready()
            while not self._stopping:
                time.sleep(0.2)
                self._replace_dead()
        finally:
            self._end()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _names(self) -> list[str]:
        workers = [f"http-{number}" for number in range(1, self.settings.workers + 1)]
        dicom = 0 if self.settings.dicom is None else self.settings.dicom.processes
        doors = [f"{_DICOM}-{number}" for number in range(1, dicom + 1)]
        hl7 = [] if self.settings.hl7 is None else [_HL7]
        return ["background", *workers, *doors, *hl7]

    def _share_metrics(self) -> None:
        """Give the processes an empty directory to count in; the nursery passes its name on."""
        directory = self.settings.data / "metrics"
        shutil.rmtree(directory, ignore_errors=True)
        try:
            self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.mkdir(mode=0o700)
        except OSError as error:
            raise SettingsError(f"cannot make the directory `{directory}`: {error.strerror}") from error
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)

    def _start(self, name: str) -> None:
        settings, ready = self.settings, nursery.ready_event()
        if name == "background":
            process = nursery.born(name, entrances.background, settings, ready)
        elif name == _HL7:
            process = nursery.born(name, entrances.hl7_door, settings, self.hl7_sockets, ready)
        elif name.startswith(_DICOM):
            number = int(name.removeprefix(f"{_DICOM}-"))
            process = nursery.born(name, entrances.dicom_door, settings, self.dicom_sockets, number, ready)
        else:
            number = int(name.removeprefix("http-"))
            process = nursery.born(name, entrances.http_worker, settings, self.sockets, number, ready)
        self._processes[name] = process
        deadline = time.monotonic() + _READY_SECONDS
        while not ready.wait(0.1):
            if self._stopping:
                return
            if not process.is_alive() or time.monotonic() > deadline:
                raise SettingsError(f"the process `{name}` did not start; its own log says why")

    def _replace_dead(self) -> None:
        for name, process in list(self._processes.items()):
            if not process.is_alive() and not self._stopping:
                _log.error("process died, starting another", process=name, exit_code=process.exitcode)
                nursery.bury(process)
                time.sleep(_RESTART_PAUSE_SECONDS)
                self._replace(name)

    def _replace(self, name: str) -> None:
        """Start a successor; one that cannot start now (a full disk) is tried again."""
        try:
            nursery.answer_of(entrances.repair, self.settings)
            self._start(name)
        except PacsgateError as failed:
            _log.error("process was not replaced", process=name, error=failed.public, detail=failed.detail)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        # The background process goes last: it signs the manifest over everything that the others wrote.
        workers = [process for name, process in self._processes.items() if name != "background"]
        background = [process for name, process in self._processes.items() if name == "background"]
        for group in (workers, background):
            for process in group:
                process.terminate()
            for process in group:
                process.join(GRACE_SECONDS + 5)
                if process.is_alive():
                    process.kill()
                    process.join()
        for listener in (*self.sockets, *self.dicom_sockets, *self.hl7_sockets):
            listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"cannot listen on `{host}:{port}`: {error.strerror}") from error
    listener.listen(1024)
    listener.set_inheritable(True)
    return listener
