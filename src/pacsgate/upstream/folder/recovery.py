"""What dead processes left behind is finished or undone before the archive serves.

Called by `archive` when it is opened; other processes may be serving meanwhile.

Invariants:
- only workspaces whose process is gone are touched (`spool.abandoned_workspaces`);
- an object that is in the archive stays in it.
"""

from pathlib import Path

from pacsgate.dicom.summarise import read_summary
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.folder.layout import Layout
from pacsgate.upstream.folder.removal import finish_removals
from pacsgate.upstream.spool import abandoned_workspaces
from pacsgate.upstream.uid_locks import UidLocks


def recover(layout: Layout, locks: UidLocks) -> None:
    """Finish removals; take back the names that unfinished stores had already made."""
    for workspace in abandoned_workspaces(layout.spool):
        finish_removals(layout, locks, workspace)
        for path in workspace.iterdir():
            # A spooled file with a second name was on its way in; with a third it had arrived.
            if path.stat().st_nlink == 2:
                _take_back(layout, locks, path)


def _take_back(layout: Layout, locks: UidLocks, spooled: Path) -> None:
    try:
        with spooled.open("rb") as file:
            summary = read_summary(file)
    except RequestError:
        return
    key = ResourceKey(summary.study_instance_uid, summary.series_instance_uid, summary.sop_instance_uid)
    member = layout.member_path(key)
    with locks.hold(summary.sop_instance_uid):
        if member.exists() and member.samefile(spooled) and not layout.is_committed(member):
            member.unlink()
