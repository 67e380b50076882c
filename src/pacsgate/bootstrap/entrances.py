"""Where the processes of `serve` begin: what the supervisor can name without importing what they do.

In the processes all of it is there already (`preloaded`).

Called by `supervisor`, which hands them to `nursery`.
"""

import socket
from collections.abc import Sequence
from multiprocessing.synchronize import Event

from pacsgate.config import Settings

# ruff: noqa: PLC0415 - the supervisor would import two seconds' worth of what it never runs


def http_worker(settings: Settings, sockets: Sequence[socket.socket], number: int, ready: Event) -> None:
    """Serve HTTP."""
    from pacsgate.bootstrap.worker import run_worker

    run_worker(settings, sockets, number, ready)


def dicom_door(settings: Settings, sockets: Sequence[socket.socket], number: int, ready: Event) -> None:
    """Serve DIMSE."""
    from pacsgate.bootstrap.dimse import run_dimse

    run_dimse(settings, sockets, number, ready)


def hl7_door(settings: Settings, sockets: Sequence[socket.socket], ready: Event) -> None:
    """Hear HL7 messages."""
    from pacsgate.bootstrap.hl7 import run_hl7

    run_hl7(settings, sockets, ready)


def background(settings: Settings, ready: Event) -> None:
    """Do what nobody waits for."""
    from pacsgate.bootstrap.background import run_background

    run_background(settings, ready)


def preparation(settings: Settings) -> None:
    """Check what must hold before anything listens, and finish what a crash has left."""
    from pacsgate.bootstrap.errands import prepare

    prepare(settings)


def repair(settings: Settings) -> None:
    """Finish what the death of a process has left."""
    from pacsgate.bootstrap.errands import repair as finish

    finish(settings)


def setup_code(settings: Settings) -> str | None:
    """A new set-up code while nobody can administer the gate."""
    from pacsgate.bootstrap.errands import setup_code as begin

    return begin(settings)
