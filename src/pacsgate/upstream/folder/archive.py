"""The embedded archive: objects under a directory, each stored once and never overwritten.

A store is: the file's bytes are synced; its name by parents is made and synced;
its name by SOP Instance UID is made and synced.  The last name is the moment
at which the object is in the archive; `layout` says why.  `os.link` refuses a
name that exists, so even two gates over one directory cannot overwrite.

Called by `services` and the doors, through `pacsgate.ports.Archive`.

Invariants:
- when `store` has returned `STORED`, the object survives a power cut;
- when a crash cuts a store or a removal short, the object is whole or absent;
- a wrong parent in a key finds nothing.
"""

import errno
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread

from pacsgate.dicom.reading import MALFORMED
from pacsgate.dicom.summarise import summarise
from pacsgate.model.errors import ArchiveError, GoneError, RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import Arrival, ByteSource, Capability, StoreOutcome
from pacsgate.upstream.digests import file_digest
from pacsgate.upstream.durable import sync_directory, sync_file
from pacsgate.upstream.folder.layout import Layout
from pacsgate.upstream.folder.recovery import recover
from pacsgate.upstream.folder.removal import remove
from pacsgate.upstream.local_file import LocalFile
from pacsgate.upstream.part10_header import read_header
from pacsgate.upstream.spool import Spool, create_private
from pacsgate.upstream.uid_locks import UidLocks

_log = structlog.get_logger(__name__)


class FolderArchive:
    """The archive whose files are under `root`.  Construction finishes what a crash interrupted."""

    def __init__(self, name: ArchiveName, root: Path) -> None:
        self.name = name
        self.capabilities = frozenset({Capability.STORE, Capability.DELETE})
        self._layout = Layout(root)
        self._locks = UidLocks(self._layout.locks)
        recover(self._layout, self._locks)
        self.spool = Spool(self._layout.spool)

    def close(self) -> None:
        """Give back the spool's workspace."""
        self.spool.close()

    def open(self, key: ResourceKey) -> ByteSource:
        """The stored file."""
        path = self._layout.member_path(key)
        with _file_errors():
            return LocalFile(path, self._layout.size_of(path))

    def dataset(self, key: ResourceKey) -> Dataset:
        """The whole data set; pydicom reads it into memory."""
        path = self._layout.member_path(key)
        with _file_errors():
            self._layout.size_of(path)
            try:
                return dcmread(path)
            except MALFORMED as damage:
                raise ArchiveError(
                    "the archive holds a damaged object", detail=type(damage).__name__
                ) from None

    def file(self, key: ResourceKey) -> BinaryIO | None:
        """The stored file.  Raises `GoneError`."""
        path = self._layout.member_path(key)
        with _file_errors():
            self._layout.size_of(path)
            return path.open("rb")

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The data sets at or below `key`, read one at a time.  Raises `GoneError`."""
        with _file_errors():
            paths = [path for path in self._layout.members(key) if self._layout.is_committed(path)]
        if not paths:
            raise _absent()
        for path in paths:
            with _file_errors():
                yield read_header(path)

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of one study."""
        return self._arrivals(self._layout.members(ResourceKey(study_instance_uid)))

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Where the object with this UID is, as its own header says."""
        path = self._layout.object_path(sop_instance_uid)
        with _file_errors():
            if not path.exists():
                return None
            header = read_header(path)
        return ResourceKey(str(header.StudyInstanceUID), str(header.SeriesInstanceUID), sop_instance_uid)

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Take a spooled file, which should wait in this archive's `spool`; elsewhere it is copied first."""
        member = self._layout.member_path(key)
        target = self._layout.object_path(key.sop_instance_uid or "")
        with _storage_errors(), self._locks.hold(key.sop_instance_uid or ""):
            if target.exists():
                return self._compare(member, target, digest)
            source = self._on_this_file_system(spooled)
            sync_file(source)
            self._put(source, member, target)
            source.unlink()
        return StoreOutcome.STORED

    def delete(self, key: ResourceKey) -> None:
        """Remove everything at or below `key`.  Raises `GoneError` when there is nothing."""
        with _file_errors():
            members = self._layout.members(key)
            if not any(self._layout.is_committed(member) for member in members):
                raise _absent()
            remove(self._layout, self._locks, members, self.spool.workspace)

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance, study by study.  The digest is left out: it would cost reading every byte."""
        return self._arrivals(self._layout.all_members(after=cursor))

    def count(self) -> int | None:
        """The exact number, from the names of the objects."""
        with _file_errors():
            return sum(len(os.listdir(shard)) for shard in self._layout.objects.iterdir())  # noqa: PTH208 - counted only

    def _compare(self, member: Path, target: Path, digest: str) -> StoreOutcome:
        if not self._layout.is_committed(member) or file_digest(member) != digest:
            return StoreOutcome.CONFLICT
        # A process that was killed may have made the last name without syncing it.
        sync_directory(target.parent)
        return StoreOutcome.ALREADY_THERE

    def _put(self, source: Path, member: Path, target: Path) -> None:
        self._layout.make_shard(member)
        self._layout.make_shard(target)
        # Only half a store or half a removal can be in the way: the object itself does not exist.
        member.unlink(missing_ok=True)
        try:
            os.link(source, member)
            sync_directory(member.parent)
            os.link(source, target)
        except OSError:
            member.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)

    def _arrivals(self, members: Iterable[Path]) -> Iterator[Arrival]:
        for path in members:
            with _file_errors():
                arrival = self._arrival(path)
            if arrival is not None:
                yield arrival

    def _arrival(self, path: Path) -> Arrival | None:
        try:
            size = self._layout.size_of(path)
            summary = summarise(read_header(path))
        except FileNotFoundError:
            return None
        except (ArchiveError, RequestError) as damage:
            # One damaged file must not keep all others out of the index; it stays invisible itself.
            _log.error(
                "object left out of the index", archive=self.name, reason=damage.public, detail=damage.detail
            )
            return None
        return Arrival(summary, size, None, self._layout.cursor(path))

    def _on_this_file_system(self, spooled: Path) -> Path:
        if spooled.stat().st_dev == self.spool.workspace.stat().st_dev:
            return spooled
        copy = self.spool.new_path()
        with spooled.open("rb") as original, io.BufferedWriter(create_private(copy)) as file:
            shutil.copyfileobj(original, file)
        return copy


def _absent() -> GoneError:
    return GoneError()


@contextmanager
def _file_errors() -> Iterator[None]:
    """While reading: what is not there is 404, anything else is the archive's."""
    with _storage_errors():
        try:
            yield
        except FileNotFoundError as gone:
            raise _absent() from gone


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        full = failure.errno in {errno.ENOSPC, errno.EDQUOT}
        public = "the archive is full" if full else "the archive's directory cannot be used"
        raise ArchiveError(public, detail=f"errno {failure.errno}") from failure
