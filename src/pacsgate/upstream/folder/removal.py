"""A removal that a crash cuts short is finished by whoever starts next.

Before anything goes, an intent names every file that shall go, together with
what tells this file from a later one of the same name.  Then the names under
`objects` go, then those under `studies`, each durably, then the intent.

Called by `archive` to remove, and at start to finish what dead processes began.

Invariants:
- a file that was stored after the intent was written is never removed by it.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pacsgate.upstream.durable import sync_directory, write_durably
from pacsgate.upstream.folder.layout import Layout, sop_instance_uid_of
from pacsgate.upstream.uid_locks import UidLocks

_PREFIX = "removal-"


@dataclass(frozen=True, slots=True)
class _Doomed:
    """A name under `studies`, and the identity of the file that it is a name of."""

    member: Path
    inode: int
    modified_ns: int

    def is_still(self, path: Path) -> bool:
        """Whether `path` is a name of that very file."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        return (status.st_ino, status.st_mtime_ns) == (self.inode, self.modified_ns)


def remove(layout: Layout, locks: UidLocks, members: Iterable[Path], workspace: Path) -> None:
    """Take these objects out of the archive, durably."""
    doomed = tuple(_marked(members))
    rows = [[layout.cursor(one.member), one.inode, one.modified_ns] for one in doomed]
    intent = workspace / f"{_PREFIX}{os.urandom(8).hex()}"
    write_durably(intent, json.dumps(rows).encode())
    # A crash may forget a workspace that nobody has synced into its parent, and the intent with it.
    sync_directory(workspace.parent)
    _carry_out(layout, locks, doomed)
    intent.unlink()


def finish_removals(layout: Layout, locks: UidLocks, workspace: Path) -> None:
    """Carry out the intents that a dead process left in its workspace."""
    for intent in workspace.glob(f"{_PREFIX}*"):
        rows = json.loads(intent.read_bytes())
        doomed = tuple(
            _Doomed(layout.studies / cursor, inode, modified_ns) for cursor, inode, modified_ns in rows
        )
        _carry_out(layout, locks, doomed)


def _marked(members: Iterable[Path]) -> Iterator[_Doomed]:
    for member in members:
        try:
            status = member.stat()
        except FileNotFoundError:
            continue
        yield _Doomed(member, status.st_ino, status.st_mtime_ns)


def _carry_out(layout: Layout, locks: UidLocks, doomed: tuple[_Doomed, ...]) -> None:
    """Objects first: a name by parents that has lost its object counts for nothing, never the reverse."""
    objects = {one: layout.object_of(one.member) for one in doomed}
    _unlink(locks, objects)
    _unlink(locks, {one: one.member for one in doomed})


def _unlink(locks: UidLocks, names: dict[_Doomed, Path]) -> None:
    for one, path in names.items():
        with locks.hold(sop_instance_uid_of(one.member)):
            if one.is_still(path):
                path.unlink()
    for directory in {path.parent for path in names.values()}:
        if directory.exists():
            sync_directory(directory)
