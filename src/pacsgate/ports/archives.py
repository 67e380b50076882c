"""The guarded archives, and the bytes they hold."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from pydicom.dataset import Dataset

from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.resource import ArchiveName, ResourceKey


class Capability(StrEnum):
    """What an archive can do by itself; the gate makes the rest from retrieved instances, or answers 501."""

    STORE = "store"
    DELETE = "delete"


Chunk = bytes | memoryview
"""Some bytes on their way; a view where a copy would cost as much as reading them did."""


class ByteSource(Protocol):
    """The bytes of one DICOM Part 10 object, not yet read.

    `path` is set when they are a local file, so that a door may hand the file to
    the kernel; `size` when it is known, for some with the first chunk only.
    """

    path: Path | None
    size: int | None

    def chunks(self) -> Iterator[Chunk]:
        """Read from a thread.  Raises `ArchiveError`."""
        ...

    def stream(self) -> AsyncGenerator[Chunk, None]:
        """Read from an event loop.  Raises `ArchiveError`."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """One object that `Archive.walk` found: the summary and, where known, size and digest."""

    summary: InstanceSummary
    size: int | None
    digest: str | None
    cursor: str


class StoreOutcome(StrEnum):
    """What became of one object handed to an archive."""

    STORED = "stored"
    ALREADY_THERE = "already-there"
    """Same UIDs, same bytes: success, stored once."""
    CONFLICT = "conflict"
    """Same SOP Instance UID with anything else: never overwritten (0111H)."""


class Archive(Protocol):
    """One guarded archive.

    Whatever is asked here has been decided already; an archive never decides.
    Raises `ArchiveError` when it is down or slow and `GoneError` when
    the object is gone.
    """

    name: ArchiveName
    capabilities: frozenset[Capability]

    def open(self, key: ResourceKey) -> ByteSource:
        """The Part 10 bytes of one instance, in the transfer syntax in which they are stored."""
        ...

    def dataset(self, key: ResourceKey) -> Dataset:
        """One instance as a data set with its pixel data, for what the gate makes itself."""
        ...

    def file(self, key: ResourceKey) -> BinaryIO | None:
        """The Part 10 file of one instance, open for reading some of it; `None` if there is none at hand."""
        ...

    def headers(self, key: ResourceKey) -> Iterator[Dataset]:
        """The data sets, without bulk data, of one instance or of every instance of one series.

        Values left out because they are bulk keep their element with no value.
        """
        ...

    def study(self, study_instance_uid: str) -> Iterator[Arrival]:
        """Every instance of one study as the archive holds it now; none when it is gone."""
        ...

    def existing(self, sop_instance_uid: str) -> ResourceKey | None:
        """Where an instance with this UID already is, if the archive can tell without a search."""
        ...

    def store(self, key: ResourceKey, spooled: Path, digest: str) -> StoreOutcome:
        """Take a spooled Part 10 file; on return it is durable.  The file may be consumed."""
        ...

    def delete(self, key: ResourceKey) -> None:
        """Remove a study, series or instance, durably."""
        ...

    def walk(self, cursor: str | None) -> Iterator[Arrival]:
        """Every instance in a stable order, after `cursor`; for `index sync`."""
        ...

    def count(self) -> int | None:
        """How many instances a walk will find, if that is cheap to know; for progress bars."""
        ...
