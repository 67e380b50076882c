"""Part of an archive goes away: only where every part of it may, and after it is on record.

Called by both HTTP doors; calls the resolver, the trail, the archive and the index.

Invariants:
- the event is durable before anything is removed; a removal that then fails is a second event.
"""

from collections.abc import Mapping, Sequence

from pacsgate.audit.events import EventKind, Outcome, StudyObject
from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import ArchiveError, GoneError
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
        return (
            reach if isinstance(reach, Refusal) else self.remove(scope, archive, (key,), reach, circumstances)
        )

    def remove(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        keys: Sequence[ResourceKey],
        reach: Reach,
        circumstances: Circumstances,
    ) -> Reach | Refusal:
        """Remove what was reached under `keys`; on return it is gone from archive and index.

        Raises `ArchiveError`, and `GoneError` if the archive had nothing of it.
        """
        if Capability.DELETE not in self._archives[archive].capabilities:
            return Refusal(Answer.NOT_IMPLEMENTED, (Reason(ReasonCode.NOT_IMPLEMENTED),), reach.revision)
        whole = {key.study_instance_uid for key in keys if key.level is Level.STUDY}
        for study in reach.studies:
            self._trail.record(
                circumstances.event(
                    EventKind.STUDY_DELETED
                    if study.study_instance_uid in whole
                    else EventKind.INSTANCES_DELETED,
                    action=Action.DELETE,
                    study=study_object(study, reach.parts),
                    reasons=reach.reasons,
                )
            )
        gone = [key for key in keys if not self._take_out(scope, archive, key, circumstances)]
        if len(gone) == len(keys):
            raise GoneError
        return reach

    def _take_out(
        self, scope: TenantScope, archive: ArchiveName, key: ResourceKey, circumstances: Circumstances
    ) -> bool:
        """Whether the archive had it; by then neither archive nor index have."""
        try:
            self._archives[archive].delete(key)
        except GoneError:
            self._index.remove(scope, archive, key)
            return False
        except ArchiveError:
            self._trail.record(
                circumstances.event(
                    EventKind.STUDY_DELETED if key.level is Level.STUDY else EventKind.INSTANCES_DELETED,
                    action=Action.DELETE,
                    study=StudyObject(key.study_instance_uid, key.patient_id),
                    outcome=Outcome.SERIOUS,
                    details={"result": "failed"},
                )
            )
            raise
        self._index.remove(scope, archive, key)
        return True
