"""Whether what an archive makes of stored objects may be there: decided like a store, before and after.

Before, on what Orthanc says an object would become; it inherits the labels and collections of its source, so
it is decided with them.  After, on what is in the index.

Called by the Orthanc door; calls the engine and the index.

Invariants:
- a study that is new needs `store` for every part; what joins one that is held needs what any upload into it
  needs, hidden parts of it included.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Reason
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import COLLECTIONS, LABELS
from pacsgate.ports import StudyEntry
from pacsgate.services.freshness import Freshness
from pacsgate.services.judge_store import Ruling, StoreJudge, incoming_facts
from pacsgate.services.resolve import Part

_INHERITED = (LABELS.name, COLLECTIONS.name)


def renamed(summary: InstanceSummary, study_instance_uid: str, series_instance_uid: str) -> InstanceSummary:
    """The summary of an object as it will be in this study and series."""
    uids = {"StudyInstanceUID": study_instance_uid, "SeriesInstanceUID": series_instance_uid}
    written: DicomJson = {tag_of(keyword): {"vr": "UI", "Value": [uid]} for keyword, uid in uids.items()}
    return replace(
        summary,
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
        header={**summary.header, **written},
    )


@dataclass(slots=True)
class MadeJudge:
    """Judges the objects of one request, so that what was new at its start stays new."""

    freshness: Freshness
    scope: TenantScope
    archive: ArchiveName
    bound: Bound
    _store: StoreJudge = field(init=False)

    def __post_init__(self) -> None:
        # Nothing made by the archive itself has an origin that the gate witnessed.
        self._store = StoreJudge(self.freshness, self.scope, self.archive, self.bound.policy, {}, self.bound)

    def rule(self, made: InstanceSummary, source: StudyEntry | None) -> Ruling:
        """Judge what an object of `source` becomes.  Raises `ArchiveError`."""
        if self.freshness.studies(self.scope, self.archive, made.study_instance_uid).studies:
            return self._store.rule(made)
        incoming = incoming_facts(self.bound.policy, made, {})
        inherited = (
            {} if source is None else {name: source.facts.get(name, frozenset()) for name in _INHERITED}
        )
        decision = self.bound.decide(
            Action.STORE, ResourceFacts({**incoming.study, **inherited}, incoming.series)
        )
        allowed = isinstance(decision, Allow)
        return Ruling(Action.STORE if allowed else None, decision.reasons)

    def may_join(self, parts: Iterable[Part], target: StudyEntry) -> Ruling:
        """Judge parts of other studies that are about to say of themselves what the target says."""
        facts = [target.facts_of(series) for series in target.series]
        facts += [ResourceFacts(target.facts, part.series.facts) for part in parts]
        reasons: dict[Reason, None] = {}
        for each in facts:
            decision = self.bound.decide(Action.APPEND, each)
            if not isinstance(decision, Allow):
                return Ruling(None, decision.reasons)
            reasons.update(dict.fromkeys(decision.reasons))
        return Ruling(Action.APPEND, tuple(reasons))

    def may_stay(self, studies: Iterable[StudyEntry]) -> bool:
        """Whether every part of these new studies may have been stored."""
        return all(
            isinstance(self.bound.decide(Action.STORE, study.facts_of(series)), Allow)
            for study in studies
            for series in study.series
        )
