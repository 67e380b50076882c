"""Seats that the DICOM processes of a gate share, so that a limit is one for all of them.

A seat is a file of which somebody has the lock.  `flock` belongs to the open file: it keeps
associations of one process apart as well as processes, and the kernel gives it back when a
process dies, so nothing is counted and nothing has to be put right afterwards
(docs/decisions/0017-associations-are-shared-by-processes.md).

Called by `places`.

Invariants:
- of the seats of one name never more are taken than the limit says, whoever takes them;
- whoever looks for a free seat finds it: nobody who merely looks is in the way for longer than a look.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seat:
    """One that is taken."""

    path: str
    """Its file."""
    _descriptor: int
    _held: set[str]

    def give_back(self) -> None:
        """Let others have it.  Called once."""
        self._held.discard(self.path)
        # Gone before it is free: whoever has opened it meanwhile finds that it is not there any more.
        with suppress(OSError):  # a file that cannot be taken away is free all the same
            Path(self.path).unlink()
        os.close(self._descriptor)


class Seats:
    """The seats whose files are in `directory`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._held: set[str] = set()
        """Those that were taken here: there is no need to try them."""

    def take(self, name: str, limit: int) -> Seat | None:
        """A seat of this name, if one of so many is free.  Raises `OSError`."""
        for path in self._paths(name, limit):
            if path not in self._held:
                descriptor = _locked(path)
                if descriptor is not None:
                    self._held.add(path)
                    return Seat(path, descriptor, self._held)
        return None

    def has_room(self, name: str, limit: int) -> bool:
        """Whether one of so many seats is free at this moment.  Raises `OSError`."""
        return any(path not in self._held and _is_free(path) for path in self._paths(name, limit))

    def _paths(self, name: str, limit: int) -> Iterator[str]:
        # Names are people's and addresses: as hashes they are short, and say nothing.
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return (f"{self._directory}/{digest}-{number}" for number in range(limit))


def _locked(path: str) -> int | None:
    """The open file of a seat, with its lock; `None` if somebody else has that."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        is_mine = False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_mine = _is_there(path, descriptor)
        except BlockingIOError:
            return None
        finally:
            if not is_mine:
                os.close(descriptor)
        if is_mine:
            return descriptor


def _is_there(path: str, descriptor: int) -> bool:
    """Whether a file that was opened still has its name: who gave the seat back has taken it away."""
    try:
        return Path(path).stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _is_free(path: str) -> bool:
    """Whether nobody has a file, which a process may have left behind when it died."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
