"""Which action storing one object is, and whether the subject may do it.

An object of a study that the archive does not hold needs `store`; of one that
it holds, `append`, to the study as it is and as it will be with the object in it;
of one that it holds only under other patients, `store` besides.  An annotation (SR,
presentation state, key object, segmentation) may instead come in by `annotate`, if
it concerns studies of which the subject may view some part and agrees with them;
otherwise it is an object like any other.  Objects that arrive together with the
first of a new study all count as new.

Called by `store_instances`; calls the engine and the index.

Invariants:
- `annotate` alone changes nothing that policies know of a study or series but
  `study.modalities`, and makes no study for another patient.
"""

from dataclasses import dataclass, field

from pacsgate.dicom.annotations import is_annotation, referenced_studies
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Decision, Reason
from pacsgate.model.resource import ArchiveName, TenantScope, patient_key
from pacsgate.model.subject import Attributes
from pacsgate.policy.declared import declared_facts
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.instance_facts import instance_facts, own_facts, shared_facts
from pacsgate.policy.ir import (
    COLLECTIONS,
    LABELS,
    MODALITIES,
    ORIGIN,
    PERMITTED,
    PERMITTED_USERS,
    READ_AT,
)
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry
from pacsgate.services.freshness import Freshness

_OF_THE_INDEX = frozenset(
    {"uid", "patient_id"} | {each.name for each in (LABELS, COLLECTIONS, PERMITTED, PERMITTED_USERS, *ORIGIN)}
)
"""What no object says of itself."""
_ADDED = frozenset({MODALITIES.name, READ_AT.name})


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether one object may come in: the action that allowed it, or `None`, with the reasons."""

    action: Action | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Target:
    """A study that the archive holds, before and after an object joins it; the series is the object's.

    `before` has the facts of each part of that series, hidden ones too.
    """

    study: StudyEntry
    before: tuple[ResourceFacts, ...]
    after: ResourceFacts


@dataclass(slots=True)
class StoreJudge:
    """Judges the objects of one request, so that what was new at its start stays new."""

    freshness: Freshness
    scope: TenantScope
    archive: ArchiveName
    policy: Policy
    origin: Attributes
    """What the gate witnesses of whatever is stored now."""
    bound: Bound
    _held: dict[str, tuple[StudyEntry, ...]] = field(default_factory=dict)

    def rule(self, summary: InstanceSummary) -> Ruling:
        """Judge one object."""
        incoming = incoming_facts(self.policy, summary, self.origin)
        targets = [_target(study, incoming) for study in self._studies(summary.study_instance_uid)]
        is_new = not any(_same_patient(target.study, incoming) for target in targets)
        if is_annotation(summary.sop_class_uid) and not is_new:
            annotation = self._annotation(summary, targets, incoming)
            if annotation is not None:
                return annotation
        decisions = [
            self.bound.decide(Action.APPEND, facts)
            for target in targets
            for facts in (*target.before, target.after)
        ]
        if is_new:
            decisions.append(self.bound.decide(Action.STORE, incoming))
        return _all_of(Action.APPEND if targets else Action.STORE, decisions)

    def _studies(self, study_instance_uid: str) -> tuple[StudyEntry, ...]:
        if study_instance_uid not in self._held:
            fresh = self.freshness.studies(self.scope, self.archive, study_instance_uid)
            self._held[study_instance_uid] = fresh.studies
        return self._held[study_instance_uid]

    def _annotation(
        self, summary: InstanceSummary, joined: list[_Target], incoming: ResourceFacts
    ) -> Ruling | None:
        """The ruling as an annotation, or `None` when the object must be judged like any other."""
        if not all(_agrees(target) for target in joined):
            return None
        targets = [(target.study, facts) for target in joined for facts in target.before]
        for uid in sorted(referenced_studies(summary.header) - {summary.study_instance_uid}):
            referenced = self._studies(uid)
            if not referenced:
                return None
            targets += [(study, ResourceFacts(study.facts, incoming.series)) for study in referenced]
        if not all(self._may_view_some(study) for study, _ in targets):
            return None
        ruling = _all_of(Action.ANNOTATE, [self.bound.decide(Action.ANNOTATE, facts) for _, facts in targets])
        return ruling if ruling.action is not None else None

    def _may_view_some(self, study: StudyEntry) -> bool:
        return any(
            isinstance(self.bound.decide(Action.VIEW, study.facts_of(series)), Allow)
            for series in study.series
        )


def incoming_facts(policy: Policy, summary: InstanceSummary, origin: Attributes) -> ResourceFacts:
    """What a policy would know of an object that is not in the index, if it came to a new study."""
    study_facts, series_facts = declared_facts(policy, summary.header, origin)
    return ResourceFacts(
        _with_study_keys(study_facts, summary, origin),
        _with_series_keys({**series_facts, **instance_facts(policy, summary)}, summary),
    )


def _all_of(action: Action, decisions: list[Decision]) -> Ruling:
    """Allowed only if every decision is; the reasons are those of the first that is not, or of all."""
    for decision in decisions:
        if not isinstance(decision, Allow):
            return Ruling(None, decision.reasons)
    return Ruling(
        action, tuple(dict.fromkeys(reason for decision in decisions for reason in decision.reasons))
    )


def _target(study: StudyEntry, incoming: ResourceFacts) -> _Target:
    arriving = incoming.series or {}
    known = [part.facts for part in study.series if part.facts["uid"] == arriving["uid"]]
    before = tuple(ResourceFacts(study.facts, part) for part in known or [arriving])
    if not _same_patient(study, incoming):
        return _Target(study, before, before[0])
    # What the object has by itself, it does not share with the parts that were there.
    series = {**_united(shared_facts(known[0]), arriving), **own_facts(arriving)} if known else arriving
    return _Target(study, before, ResourceFacts(_united(study.facts, incoming.study), series))


def _same_patient(study: StudyEntry, incoming: ResourceFacts) -> bool:
    return study.facts["patient_id"] == incoming.study["patient_id"]


def _united(before: Attributes, arriving: Attributes) -> Attributes:
    """What the index will know: of what the object says, all values; what the index knows itself stays.

    What the object should say and nobody can read will not be known any more.
    """
    return {
        name: values if name in _OF_THE_INDEX else values | arriving[name]
        for name, values in before.items()
        if name in _OF_THE_INDEX or name in arriving
    }


def _agrees(target: _Target) -> bool:
    """Whether policies will know the same of study and series, but for what any annotation adds."""
    before, after = target.before[0], target.after
    same = _apart_from_added(before.study) == _apart_from_added(after.study)
    return same and shared_facts(before.series or {}) == shared_facts(after.series or {})


def _apart_from_added(facts: Attributes) -> Attributes:
    return {name: values for name, values in facts.items() if name not in _ADDED}


def _with_study_keys(facts: Attributes, summary: InstanceSummary, origin: Attributes) -> Attributes:
    """The facts that a new study would have once it is in the index."""
    return {
        **facts,
        "uid": frozenset({summary.study_instance_uid}),
        "patient_id": frozenset({patient_key(summary.patient_id, summary.issuer_of_patient_id)}),
        **dict.fromkeys((attribute.name for attribute in ORIGIN), frozenset()),
        **origin,
        "labels": frozenset(),
        "collections": frozenset(),
    }


def _with_series_keys(facts: Attributes, summary: InstanceSummary) -> Attributes:
    return {**facts, "uid": frozenset({summary.series_instance_uid})}
