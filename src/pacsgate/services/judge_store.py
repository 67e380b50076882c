"""Which action storing one object is, and whether the subject may do it.

An object of a study that the archive does not hold needs `store`; of one that
it holds, `append`.  An annotation (SR, presentation state, key object,
segmentation) may instead come in by `annotate`, if it concerns studies of which
the subject may view some part; otherwise it is an object like any other.
Objects that arrive together with the first of a new study all count as new.

Called by `store_instances`; calls the engine and the index.
"""

from dataclasses import dataclass, field

from pacsgate.dicom.annotations import is_annotation, referenced_studies
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Decision, Reason
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.declared import declared_facts
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry, StudyIndex
from pacsgate.services.freshness import Freshness


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether one object may come in: the action that allowed it, or `None`, with the reasons."""

    action: Action | None
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class StoreJudge:
    """Judges the objects of one request, so that what was new at its start stays new."""

    index: StudyIndex
    freshness: Freshness
    scope: TenantScope
    archive: ArchiveName
    policy: Policy
    subject: Subject
    bound: Bound
    _held: dict[str, tuple[StudyEntry, ...]] = field(default_factory=dict)

    def rule(self, summary: InstanceSummary) -> Ruling:
        """Judge one object."""
        study_facts, series_facts = declared_facts(self.policy, summary.header)
        series = _with_series_keys(series_facts, summary)
        existing = self._studies(summary.study_instance_uid)
        if is_annotation(summary.sop_class_uid):
            annotation = self._annotation(summary, existing, series)
            if annotation is not None:
                return annotation
        if existing:
            appends = [
                self.bound.decide(Action.APPEND, ResourceFacts(study=study.facts, series=series))
                for study in existing
            ]
            return _all_of(Action.APPEND, appends)
        incoming = ResourceFacts(_with_study_keys(study_facts, summary, self.subject), series)
        return _all_of(Action.STORE, [self.bound.decide(Action.STORE, incoming)])

    def _studies(self, study_instance_uid: str) -> tuple[StudyEntry, ...]:
        if study_instance_uid not in self._held:
            self.freshness.refresh(self.scope, self.archive, study_instance_uid)
            self._held[study_instance_uid] = self.index.studies(self.scope, self.archive, study_instance_uid)
        return self._held[study_instance_uid]

    def _annotation(
        self, summary: InstanceSummary, existing: tuple[StudyEntry, ...], series: Attributes
    ) -> Ruling | None:
        """The ruling as an annotation, or `None` when the object must be judged like any other."""
        targets = list(existing)
        for uid in sorted(referenced_studies(summary.header) - {summary.study_instance_uid}):
            referenced = self._studies(uid)
            if not referenced:
                return None
            targets.extend(referenced)
        if not targets or not all(self._may_view_some(study) for study in targets):
            return None
        ruling = _all_of(
            Action.ANNOTATE,
            [
                self.bound.decide(Action.ANNOTATE, ResourceFacts(study=study.facts, series=series))
                for study in targets
            ],
        )
        return ruling if ruling.action is not None else None

    def _may_view_some(self, study: StudyEntry) -> bool:
        return any(
            isinstance(self.bound.decide(Action.VIEW, study.facts_of(series)), Allow)
            for series in study.series
        )


def _all_of(action: Action, decisions: list[Decision]) -> Ruling:
    """Allowed only if every decision is; the reasons are those of the first that is not, or of all."""
    for decision in decisions:
        if not isinstance(decision, Allow):
            return Ruling(None, decision.reasons)
    return Ruling(
        action, tuple(dict.fromkeys(reason for decision in decisions for reason in decision.reasons))
    )


def _with_study_keys(facts: Attributes, summary: InstanceSummary, subject: Subject) -> Attributes:
    """The facts that a new study would have once it is in the index."""
    issuer, patient = summary.issuer_of_patient_id, summary.patient_id
    return {
        **facts,
        "uid": frozenset({summary.study_instance_uid}),
        "patient_id": frozenset({f"{issuer}|{patient}" if issuer else patient}),
        "ingest_principal": frozenset({subject.name}),
        "labels": frozenset(),
        "collections": frozenset(),
    }


def _with_series_keys(facts: Attributes, summary: InstanceSummary) -> Attributes:
    return {**facts, "uid": frozenset({summary.series_instance_uid})}
