"""What a subject has started in a guarded archive and may come back to: jobs, queries and promises.

An Orthanc hands out a name for each of them and asks nobody who names it again.  So the gate
keeps whose it is, and what was decided when it was started.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope


class HandleKind(StrEnum):
    """What a handle names; the archive gives names to each kind by itself."""

    JOB = "job"
    QUERY = "query"
    COMMITMENT = "commitment"
    """A modality's promise to keep some instances, that was asked for."""
    PROCEDURE_STEP = "procedure-step"
    """What a modality is doing (MPPS)."""


@dataclass(frozen=True, slots=True)
class OwnedHandle:
    """One of them: whose it is, and the action and instances that were decided for it.

    `action` is `None`, and `keys` is empty, for what concerns no image of this archive.
    """

    archive: ArchiveName
    kind: HandleKind
    handle: str
    subject: str
    action: Action | None
    keys: tuple[ResourceKey, ...]
    started_at: datetime


class HandleStore(Protocol):
    """Whose each handle is."""

    def add(self, scope: TenantScope, owned: OwnedHandle) -> None:
        """Remember a handle that the archive has just given out; it replaces one of the same name."""
        ...

    def find(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, handle: str
    ) -> OwnedHandle | None:
        """Whose a handle is; `None` for one that was not started through the gate."""
        ...

    def started(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, subject: str | None
    ) -> tuple[str, ...]:
        """The handles of one subject, or of everybody, oldest first."""
        ...

    def forget(
        self, scope: TenantScope, archive: ArchiveName, kind: HandleKind, handles: Collection[str]
    ) -> None:
        """Forget handles that the archive does not have any more."""
        ...
