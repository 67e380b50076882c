"""The gate with one thing wrong: `python -m tests.support.faulty_gate FAULT serve -c FILE`.

Each process that serves imports this module again, so the fault is in each of them, and neither in the supervisor nor in what does its errands.  A fault either leaves out the
syncs of some files, which nothing inside the gate can notice, or kills the process at a step of a store.
"""

import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from multiprocessing import current_process
from pathlib import Path
from typing import Any

from pacsgate.bootstrap.nursery import ERRAND
from pacsgate.cli.main import main
from pacsgate.services.index_objects import ObjectIndexer
from pacsgate.sinks.segments import SegmentTrail
from pacsgate.upstream.folder.archive import FolderArchive

COMMAND = (sys.executable, "-m", "tests.support.faulty_gate")
_FAULT = "PACSGATE_TEST_FAULT"


def _skip_syncs(concerns: Callable[[str, bool], bool]) -> None:
    """Leave out the syncs of descriptors that are concerned, by path and whether it is a directory."""
    for name in ("fsync", "fdatasync"):
        original = getattr(os, name)

        def skipping(descriptor: int, original: Callable[[int], None] = original) -> None:
            path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
            if not concerns(path, stat.S_ISDIR(os.fstat(descriptor).st_mode)):
                original(descriptor)

        setattr(os, name, skipping)


def _die(owner: Any, name: str, *, after: bool) -> None:
    """Kill the process before or after a call, once the gate is serving."""
    original = getattr(owner, name)

    def dying(*arguments: Any, **options: Any) -> Any:
        if after:
            original(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def _die_at_second_link() -> None:
    original, calls = os.link, []

    def link(source: Any, target: Any) -> None:
        if "studies" in str(target) or "objects" in str(target):
            calls.append(target)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
        original(source, target)

    os.link = link


def _die_at_completion() -> None:
    original = SegmentTrail.record

    def record(trail: SegmentTrail, event: Any) -> None:
        if event.kind.name == "INSTANCES_STORED":
            os.kill(os.getpid(), signal.SIGKILL)
        original(trail, event)

    SegmentTrail.record = record


FAULTS: Mapping[str, Callable[[], None]] = {
    "none": lambda: None,
    "trail-unsynced": lambda: _skip_syncs(lambda path, is_directory: "/trail/" in path and not is_directory),
    "objects-unsynced": lambda: _skip_syncs(
        lambda path, is_directory: "/spool/" in path and not is_directory
    ),
    "names-unsynced": lambda: _skip_syncs(
        lambda path, is_directory: "/archive/objects/" in path and is_directory
    ),
    "dies-before-object": lambda: _die(FolderArchive, "store", after=False),
    "dies-between-names": _die_at_second_link,
    "dies-after-object": lambda: _die(FolderArchive, "store", after=True),
    "dies-before-index": lambda: _die(ObjectIndexer, "ingest", after=False),
    "dies-after-index": lambda: _die(ObjectIndexer, "ingest", after=True),
    "dies-before-completion": _die_at_completion,
}

if __name__ == "__main__":
    os.environ[_FAULT] = sys.argv.pop(1)
    main()
elif __name__ == "__mp_main__" and current_process().name != ERRAND:
    FAULTS[os.environ[_FAULT]]()
