"""Where the embedded archive keeps what, so that the file system itself is the index.

    ROOT/pacsgate-archive                        says that this tree is ours, and its version
    ROOT/objects/abc/SOP.dcm                     each object once, by SOP Instance UID
    ROOT/studies/def/STUDY~SERIES~SOP.dcm        the same file again (a hard link), by its parents
    ROOT/spool/, ROOT/locks/                     workspaces and locks of running processes

`abc` and `def` begin the SHA-256 of the SOP and Study Instance UID.  A name
under `objects` can exist only once, which makes the SOP Instance UID unique; a
name under `studies` carries its real parents.  **An object is in the archive
when both names exist and are the same file.**  A name under `studies` alone
is half of a store or a removal that a crash cut short, and counts for nothing.

There are no directories per study: nothing is ever created beneath a directory
that somebody else may be removing.

Invariants:
- only valid UIDs become names (`dicom.uids.is_valid_uid`), so no name leaves the root;
- an object's name under `studies` is durable before its name under `objects` is made.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError, SettingsError
from pacsgate.model.resource import ResourceKey
from pacsgate.upstream.durable import sync_directory, write_durably

_MARKER = "pacsgate-archive"
_VERSION = b"1\n"
_SUFFIX = ".dcm"
_SEPARATOR = "~"
"""Not a character of UIDs, so names can be taken apart again."""
_SHARD_DIGITS = 3
"""4,096 shards: with ten million objects each directory holds some 2,400 names."""


class Layout:
    """The names below one root.  Construction makes the tree, or refuses one that is not ours."""

    def __init__(self, root: Path) -> None:
        self.objects = root / "objects"
        self.studies = root / "studies"
        self.spool = root / "spool"
        self.locks = root / "locks"
        self._durable_shards: set[Path] = set()
        self._claim(root)

    def object_path(self, sop_instance_uid: str) -> Path:
        """The object's name by SOP Instance UID."""
        return self.objects / _shard(sop_instance_uid) / f"{_checked(sop_instance_uid)}{_SUFFIX}"

    def member_path(self, key: ResourceKey) -> Path:
        """The name by its parents of the instance that `key` names in full."""
        if key.series_instance_uid is None or key.sop_instance_uid is None:
            raise RequestError("an instance is named by study, series and SOP Instance UID")
        uids = (key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)
        name = _SEPARATOR.join(_checked(uid) for uid in uids)
        return self.studies / _shard(key.study_instance_uid) / f"{name}{_SUFFIX}"

    def members(self, key: ResourceKey) -> tuple[Path, ...]:
        """Every name by parents at or below `key`, sorted, whether it counts or not."""
        if key.sop_instance_uid is not None:
            path = self.member_path(key)
            return (path,) if path.exists() else ()
        parents = (key.study_instance_uid, key.series_instance_uid)
        prefix = "".join(_checked(uid) + _SEPARATOR for uid in parents if uid is not None)
        shard = self.studies / _shard(key.study_instance_uid)
        return tuple(shard / name for name in _names(shard) if name.startswith(prefix))

    def all_members(self, after: str | None = None) -> Iterator[Path]:
        """Every name by parents, study by study, that sorts after `after` (see `cursor`)."""
        for shard in _names(self.studies):
            if after is not None and shard < after[:_SHARD_DIGITS]:
                continue
            for name in _names(self.studies / shard):
                path = self.studies / shard / name
                if after is None or self.cursor(path) > after:
                    yield path

    def cursor(self, member: Path) -> str:
        """Where a name stands in the order of `all_members`."""
        return f"{member.parent.name}/{member.name}"

    def object_of(self, member: Path) -> Path:
        """The name by SOP Instance UID that belongs to a name by parents."""
        return self.object_path(sop_instance_uid_of(member))

    def size_of(self, member: Path) -> int:
        """The size of the object, if it is in the archive; else `FileNotFoundError`."""
        status = member.stat()
        target = self.object_of(member).stat()
        if (status.st_dev, status.st_ino) != (target.st_dev, target.st_ino):
            raise FileNotFoundError(errno.ENOENT, "not in the archive")
        return status.st_size

    def is_committed(self, member: Path) -> bool:
        """Whether a name by parents stands for an object that is in the archive."""
        try:
            self.size_of(member)
        except FileNotFoundError:
            return False
        return True

    def make_shard(self, path: Path) -> None:
        """Make the shard directory that will hold `path`, durably.  Shards are never removed."""
        shard = path.parent
        if shard in self._durable_shards:
            return
        shard.mkdir(exist_ok=True, mode=0o700)
        # Another process may have made it and not synced it yet, so whoever asks first here syncs.
        sync_directory(shard.parent)
        self._durable_shards.add(shard)

    def _claim(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        marker = root / _MARKER
        if not marker.exists():
            if any(not path.name.startswith(f".{_MARKER}") for path in root.iterdir()):
                raise SettingsError(
                    f"folder archive `{root}` is not empty and was not made by pacsgate: give it an empty "
                    "directory and store existing files through the gate"
                )
            write_durably(marker, _VERSION)
            _require_hard_links(marker)
        elif marker.read_bytes() != _VERSION:
            raise SettingsError(f"folder archive `{root}` has a layout that this version does not know")
        for directory in (self.objects, self.studies, self.spool, self.locks):
            directory.mkdir(exist_ok=True, mode=0o700)
        sync_directory(root)


def _require_hard_links(marker: Path) -> None:
    second = marker.with_name(f".{_MARKER}.link-{os.urandom(8).hex()}")
    try:
        os.link(marker, second)
    except OSError as failure:
        marker.unlink()
        raise SettingsError(
            f"folder archive `{marker.parent}` is on a file system without hard links: choose another"
        ) from failure
    second.unlink()


def sop_instance_uid_of(member: Path) -> str:
    """The SOP Instance UID in a name by parents."""
    return member.name.removesuffix(_SUFFIX).rpartition(_SEPARATOR)[2]


def _checked(uid: str) -> str:
    if not is_valid_uid(uid):
        raise RequestError("not a valid UID", status=404)
    return uid


def _shard(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:_SHARD_DIGITS]


def _names(directory: Path) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are wanted, not ten thousand Path objects
    except FileNotFoundError:
        return []
