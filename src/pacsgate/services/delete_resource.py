"""Part of an archive goes away: only where every part of it may, and after it is on record.

Called by the DICOMweb door; calls the resolver, the trail, the archive and the index.

Invariants:
- the event is durable before anything is removed; a removal that then fails is a second event.
"""

from collections.abc import Mapping

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import Archive, Capability, StudyIndex, Trail
from pacsgate.services.record import Circumstances, study_object
from pacsgate.services.resolve import Answer, Reach, Refusal, Resolver


class DeleteResource:
    """The delete use case."""

    def __init__(
        self, index: StudyIndex, archives: Mapping[ArchiveName, Archive], resolver: Resolver, trail: Trail
    ) -> None:
        self._index = index
        self._archives = archives
        self._resolver = resolver
        self._trail = trail

    def delete(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        key: ResourceKey,
        bound: Bound,
        circumstances: Circumstances,
    ) -> Reach | Refusal:
        """Remove the named resource; on return it is gone from archive and index.  Raises `ArchiveError`."""
        reach = self._resolver.reach(scope, archive, key, Action.DELETE, bound)
        if isinstance(reach, Refusal):
            return reach
        if Capability.DELETE not in self._archives[archive].capabilities:
            return Refusal(Answer.NOT_IMPLEMENTED, (Reason(ReasonCode.NOT_IMPLEMENTED),), reach.revision)
        kind = EventKind.STUDY_DELETED if key.level is Level.STUDY else EventKind.INSTANCES_DELETED
        events = [
            circumstances.event(
                kind, action=Action.DELETE, study=study_object(study, reach.parts), reasons=reach.reasons
            )
            for study in reach.studies
        ]
        for event in events:
            self._trail.record(event)
        try:
            self._archives[archive].delete(key)
        except ArchiveError:
            self._trail.record(
                circumstances.event(
                    kind, action=Action.DELETE, outcome=Outcome.SERIOUS, details={"result": "failed"}
                )
            )
            raise
        self._index.remove(scope, archive, key)
        return reach
