"""Where study permissions are kept, and what becomes of the index when they change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from pacsgate.audit.events import AuditEvent
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.resource import TenantScope
from pacsgate.model.study_permission import Holding, StudyPermission

Named = tuple[str, Holding]
"""One permission by what it is: the study's UID and the holding."""

Tell = Callable[[Sequence[StudyPermission]], Iterable[AuditEvent]]
"""The events of what a transaction really changed."""


class StudyPermissions(Protocol):
    """The permissions of all studies, whether the index knows the study or not.

    Each change is one transaction: rows, the facts of the studies that the index holds, and the
    events.  None moves any epoch but the index's, unless it is the first or the last of its holding.
    """

    def add(
        self, scope: TenantScope, permissions: Sequence[StudyPermission], tell: Tell
    ) -> tuple[StudyPermission, ...]:
        """Add those that are not there yet; returns these."""
        ...

    def remove(
        self, scope: TenantScope, permissions: Sequence[Named], tell: Tell
    ) -> tuple[StudyPermission, ...]:
        """Take away those that are there; returns these."""
        ...

    def of_study(self, scope: TenantScope, study_instance_uid: str) -> tuple[StudyPermission, ...]:
        """All of one study, in the order of their holdings."""
        ...

    def every(
        self,
        scope: TenantScope,
        *,
        grantee: tuple[GranteeKind, str] | None = None,
        orphans: bool = False,
    ) -> Iterator[StudyPermission]:
        """All, or one grantee's, in the order of their studies, in bounded batches.

        `orphans` are those of studies that no archive's index holds.
        """
        ...

    def holdings(self, scope: TenantScope) -> tuple[Holding, ...]:
        """Each holding of which there is a permission; the epoch of grants moves when this does."""
        ...

    def studies_of(self, scope: TenantScope, target: GrantTarget, target_id: str) -> tuple[str, ...]:
        """The UIDs of the studies that a patient or a collection has now; a study is itself."""
        ...
