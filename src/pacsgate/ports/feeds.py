"""How far the gate has read what others changed in an archive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.model.resource import ArchiveName, TenantScope


@dataclass(frozen=True, slots=True)
class Anchor:
    """One change that was read: its number in the log, and what it said."""

    number: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class FeedState:
    """Where the feed of one archive stands.

    `cursor` is the number of the last change that the index knows.  By the `anchors`, newest first, another
    database behind the same address is told from the one that was read.  `crawled` says that whatever was
    there before the cursor was read too.  At `current_at` the index knew everything that the archive held.
    `settled` is by how many studies, series and instances the archive has more than the index, after all of
    it was looked into: what cannot be indexed remains a difference.
    """

    cursor: int
    anchors: tuple[Anchor, ...]
    crawled: bool
    current_at: datetime | None
    settled: tuple[int, int, int] = (0, 0, 0)


class FeedStore(Protocol):
    """Remembers it for all processes."""

    def read(self, scope: TenantScope, archive: ArchiveName) -> FeedState | None:
        """Where the feed of an archive stands; `None` if it never began."""
        ...

    def save(self, scope: TenantScope, archive: ArchiveName, state: FeedState) -> None:
        """Remember where it stands now."""
        ...
