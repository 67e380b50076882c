"""Objects that the archive was asked to send, and where each is put when it comes.

Every process of the gate listens on the one port that the archive knows, and any of them may
be the one that it reaches.  So who waits for an object says so in the file system, and
whoever receives it puts it there.  The archive's final answer to a C-MOVE comes after its
objects were confirmed, so nobody has to be woken.

Called by `fetching` and `receiver`.

Invariants:
- only objects that somebody waits for are put anywhere;
- what is not taken is removed with the wait, and with the workspace if a process dies.
"""

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.upstream.spool import Spool, SpooledFile

_AWAITED = "awaited"


class Mailbox:
    """Waits of this process, below its workspace; deliveries to all processes of the archive's spool.

    `ae_title` is the gate's, where the archive sends to.
    """

    def __init__(self, spool: Spool, ae_title: str) -> None:
        self._spool = spool
        self.ae_title = ae_title

    @contextmanager
    def awaiting(self, sop_instance_uids: Collection[str]) -> "Iterator[Wait]":
        """Wait for objects; what has come is there until the block ends."""
        token = secrets.token_hex(8)
        places = {
            uid: self._spool.workspace / _AWAITED / uid / token
            for uid in sop_instance_uids
            if is_valid_uid(uid)
        }
        try:
            for place in places.values():
                place.mkdir(parents=True, mode=0o700)
            yield Wait(places)
        finally:
            for place in places.values():
                shutil.rmtree(place, ignore_errors=True)

    def is_awaited(self, sop_instance_uid: str) -> bool:
        """Whether anybody waits for an object."""
        return any(True for _ in self._places(sop_instance_uid))

    def deliver(self, sop_instance_uid: str, file: SpooledFile) -> bool:
        """Put an object where it is waited for; false if nobody does any more.

        The file stays the caller's.
        """
        delivered = False
        for place in self._places(sop_instance_uid):
            unborn = place / f".{secrets.token_hex(8)}"
            try:
                os.link(file.path, unborn)
                unborn.rename(place / f"{file.digest}-{file.size}")
            except FileNotFoundError:
                continue  # the wait has just ended
            delivered = True
        return delivered

    def _places(self, sop_instance_uid: str) -> Iterator[Path]:
        if is_valid_uid(sop_instance_uid):
            yield from self._spool.directory.glob(f"*/{_AWAITED}/{sop_instance_uid}/*")


class Wait:
    """What has come of the objects that are waited for."""

    def __init__(self, places: dict[str, Path]) -> None:
        self._places = places

    def arrived(self) -> Iterator[tuple[str, SpooledFile]]:
        """Each object that has come, by its SOP Instance UID."""
        for uid, place in self._places.items():
            for path in sorted(place.iterdir()):
                digest, _, size = path.name.partition("-")
                if size:
                    yield uid, SpooledFile(path, int(size), digest)
                    break
