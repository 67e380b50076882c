"""Policy revisions that are not live: one that waits for a second approver, one that runs in the shadow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, TenantScope


@dataclass(frozen=True, slots=True)
class Candidate:
    """A revision with the sources (file name to text) it is made from, and who brought it when."""

    revision: str
    sources: Mapping[str, str]
    submitted_at: datetime
    submitted_by: str


@dataclass(frozen=True, slots=True)
class PendingRevision(Candidate):
    """A revision that adds more accesses than one person may let through; at most so many."""

    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class ShadowDifference:
    """Requests of one subject that a shadow would have answered otherwise; the newest is the sample."""

    subject: str
    archive: ArchiveName
    action: Action
    live: str
    """The live answer with its reasons."""
    shadow: str
    requests: int
    study_instance_uid: str | None
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """How a shadow has done so far, in requests."""

    compared: int
    passed_over: int
    """Requests that came too fast to be compared."""
    differing: int
    differences: tuple[ShadowDifference, ...]
    """Those of most requests first."""


class CandidateStore(Protocol):
    """At most one revision of either sort in a tenant."""

    def pending(self, scope: TenantScope) -> PendingRevision | None:
        """The revision that waits for approval."""
        ...

    def hold(self, scope: TenantScope, revision: PendingRevision, event: AuditEvent) -> None:
        """Let a revision wait, in place of any other."""
        ...

    def release(self, scope: TenantScope, event: AuditEvent) -> None:
        """Let nothing wait any more."""
        ...

    def shadow(self, scope: TenantScope) -> Candidate | None:
        """The revision that runs in the shadow."""
        ...

    def cast_shadow(self, scope: TenantScope, revision: Candidate | None, event: AuditEvent) -> None:
        """Run another in the shadow, or none; what was counted of the one before is forgotten."""
        ...

    def note_shadow(
        self,
        scope: TenantScope,
        revision: str,
        *,
        compared: int,
        passed_over: int,
        differences: Sequence[ShadowDifference],
    ) -> None:
        """Add to what was counted; nothing happens if another revision is in the shadow by now."""
        ...

    def shadow_report(self, scope: TenantScope, limit: int) -> ShadowReport:
        """What was counted of the revision in the shadow, with so many differences."""
        ...
