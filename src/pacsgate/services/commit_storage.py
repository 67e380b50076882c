"""A promise to keep objects is given for what the archive really has, and only to who may know of it.

Each object is looked for in the archive itself, now: what the index says is not
enough for somebody who will delete their own copy.  An object that is hidden and
one that does not exist are answered alike, and cost the same questions.

Called by the DICOM door; calls the archive and the resolver.

Standard: PS3.4 annex J (Storage Commitment Service Class).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from pacsgate.dicom.uids import deterministic_uid
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import Archive
from pacsgate.services.resolve import Reach, Resolver

_NOWHERE = ResourceKey(deterministic_uid("no", "study"))
"""What is resolved in place of an object that is not there, so that not being there takes as long."""


class Keeping(Enum):
    """What becomes of one reference."""

    KEPT = "kept"
    UNKNOWN = "unknown"
    """Not in the archive, or not for this subject (0112H)."""
    OTHER_CLASS = "other-class"
    """The object is of another SOP class (0119H)."""
    UNDECIDED = "undecided"
    """The archive did not answer (0110H)."""


@dataclass(frozen=True, slots=True)
class CommitStorage:
    """The use case over one set of archives."""

    archives: Mapping[ArchiveName, Archive]
    resolver: Resolver

    def keeping(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        sop_class_uid: str,
        sop_instance_uid: str,
        bound: Bound,
    ) -> Keeping:
        """Whether the gate vouches for one object."""
        try:
            key = self._place(archive, sop_instance_uid)
            reach = self.resolver.reach(scope, archive, key or _NOWHERE, Action.SEARCH, bound)
        except ArchiveError:
            return Keeping.UNDECIDED
        if key is None or not isinstance(reach, Reach):
            return Keeping.UNKNOWN
        classes = {instance.sop_class_uid for part in reach.parts for instance in part.instances}
        return Keeping.KEPT if classes == {sop_class_uid} else Keeping.OTHER_CLASS

    def _place(self, archive: ArchiveName, sop_instance_uid: str) -> ResourceKey | None:
        try:
            return self.archives[archive].existing(sop_instance_uid)
        except GoneError:
            return None
