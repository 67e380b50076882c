"""From the name of a resource to the parts of it that one action may reach, or to the refusal.

The order of questions is what keeps hidden things hidden:

1. could this subject ever do this at all?            no → `FORBIDDEN`, before any look-up
2. does the index hold the study, and is the named parent the real parent?
3. may the subject `search` any part of what is named? no → `NOT_FOUND`, as if it did not exist
4. on which of those parts may it do this?             none → `FORBIDDEN`, with the rule's message

Actions that read are carried out on the allowed parts alone.  Actions that
change or remove need every part, hidden ones included, and are refused without
telling the cases apart.

Called by the doors through the use cases; calls `LivePolicy` bindings and, for
what the index says now, `Freshness`.

Invariants:
- a `Reach` holds at least one part, and every part in it was allowed by the engine;
- one StudyInstanceUID under two patients is reached only if each of the two would be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Deny, Reason, ReasonCode, Revision
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.services.freshness import Freshness

NEEDS_EVERY_PART = frozenset({Action.UPDATE, Action.DELETE, Action.SHARE})
"""Actions that are allowed on the whole of what is named, hidden parts included, or not at all."""


class Answer(Enum):
    """How a refusal looks from outside (design: 401, 403, the one 404, 501)."""

    FORBIDDEN = 403
    NOT_FOUND = 404
    NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and how to say it.  `reasons` go to the record, `message` to the caller."""

    answer: Answer
    reasons: tuple[Reason, ...]
    revision: Revision | None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One allowed part of one study, with the instances that were named, and what to hide in it.

    A part is a series or, where a policy tells the instances of a series apart, some of them.
    """

    study: StudyEntry
    series: SeriesEntry
    instances: tuple[InstanceEntry, ...]
    mask: Mask

    def key_of(self, instance: InstanceEntry) -> ResourceKey:
        """The full, confirmed name of an instance of this part."""
        return ResourceKey(
            self.study.study_instance_uid,
            self.series.series_instance_uid,
            instance.sop_instance_uid,
            self.study.patient_id,
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything of the named resource that the action may touch."""

    action: Action
    parts: tuple[Part, ...]
    reasons: tuple[Reason, ...]
    revision: Revision

    @property
    def studies(self) -> tuple[StudyEntry, ...]:
        """The studies touched, each once (the same UID under two patients is two)."""
        return tuple({id(part.study): part.study for part in self.parts}.values())

    @property
    def instance_count(self) -> int:
        """How many instances the action touches."""
        return sum(len(part.instances) for part in self.parts)

    @property
    def by_series(self) -> "tuple[ReachedSeries, ...]":
        """The parts, with those of one series together."""
        grouped: dict[tuple[int, str], list[Part]] = {}
        for part in self.parts:
            grouped.setdefault((id(part.study), part.series.series_instance_uid), []).append(part)
        return tuple(ReachedSeries(tuple(parts)) for parts in grouped.values())


@dataclass(frozen=True, slots=True)
class ReachedSeries:
    """All allowed parts of one series."""

    parts: tuple[Part, ...]

    @property
    def key(self) -> ResourceKey:
        """The series' name."""
        first = self.parts[0]
        return ResourceKey(
            first.study.study_instance_uid,
            first.series.series_instance_uid,
            patient_id=first.study.patient_id,
        )

    @property
    def is_whole(self) -> bool:
        """Whether these are all instances of the series, so that it may be asked for by its own name."""
        study, uid = self.parts[0].study, self.parts[0].series.series_instance_uid
        held = sum(len(part.instances) for part in study.series if part.series_instance_uid == uid)
        return held == sum(len(part.instances) for part in self.parts)


class Resolver:
    """Resolves names against what the index says."""

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness

    def reach(
        self, scope: TenantScope, archive: ArchiveName, key: ResourceKey, action: Action, bound: Bound
    ) -> Reach | Refusal:
        """The parts of `key` on which `action` is allowed, or why there are none."""
        never = bound.could(action)
        if never is not None:
            return Refusal(Answer.FORBIDDEN, never.reasons, never.revision, never.message)
        fresh = self._freshness.studies(scope, archive, key.study_instance_uid)
        found = reach_among(fresh.studies, key, action, bound)
        if isinstance(found, Refusal) and found.answer is Answer.NOT_FOUND:
            self._freshness.ask_anyway(scope, archive, asked=fresh.asked)
        return found

    def recall(
        self, scope: TenantScope, archive: ArchiveName, key: ResourceKey, action: Action, bound: Bound
    ) -> Reach | None:
        """What `reach` would allow on an instance, from memory alone; `None` says nothing, not even no."""
        recent = self._freshness.recall(scope, archive, key.study_instance_uid)
        if recent is None or bound.could(action) is not None:
            return None
        named = tuple((study, ((series, (instance,)),)) for study, series, instance in recent.places_of(key))
        if not named or not all(_searchable(study, parts, bound) for study, parts in named):
            return None
        find = _every_part if action in NEEDS_EVERY_PART else _allowed_parts
        found = find(named, action, bound)
        return found if isinstance(found, Reach) else None


def reach_among(
    studies: Sequence[StudyEntry], key: ResourceKey, action: Action, bound: Bound
) -> Reach | Refusal:
    """The second to the last question, about every study that has the UID of the key."""
    named = tuple((study, _named_parts(study, key)) for study in studies)
    named = tuple((study, parts) for study, parts in named if parts)
    if not named:
        return Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_FOUND),), bound.revision)
    visible = tuple((study, _searchable(study, parts, bound)) for study, parts in named)
    if not all(parts for _, parts in visible):
        return Refusal(Answer.NOT_FOUND, (Reason(ReasonCode.NOT_VISIBLE),), bound.revision)
    if action in NEEDS_EVERY_PART:
        return _every_part(named, action, bound)
    return _allowed_parts(visible, action, bound)


_Named = tuple[tuple[SeriesEntry, tuple[InstanceEntry, ...]], ...]


def _named_parts(study: StudyEntry, key: ResourceKey) -> _Named:
    """The named parts of a study, each with its named instances; empty if the parents are wrong."""
    if key.patient_id not in {None, study.patient_id}:
        return ()
    parts = []
    for series in study.series:
        if key.series_instance_uid not in {None, series.series_instance_uid}:
            continue
        instances = tuple(
            instance
            for instance in series.instances
            if key.sop_instance_uid in {None, instance.sop_instance_uid}
        )
        if instances:
            parts.append((series, instances))
    return tuple(parts)


def _searchable(study: StudyEntry, parts: _Named, bound: Bound) -> _Named:
    """Those of `parts` that the subject may know of."""
    return tuple(
        (series, instances)
        for series, instances in parts
        if isinstance(bound.decide(Action.SEARCH, study.facts_of(series)), Allow)
    )


def _allowed_parts(
    visible: tuple[tuple[StudyEntry, _Named], ...], action: Action, bound: Bound
) -> Reach | Refusal:
    found: list[Part] = []
    reasons: dict[Reason, None] = {}
    refused: Deny | None = None
    for study, parts in visible:
        reached = False
        for series, instances in parts:
            decision = bound.decide(action, study.facts_of(series))
            match decision:
                case Allow(mask=mask):
                    found.append(Part(study, series, instances, mask))
                    reasons.update(dict.fromkeys(decision.reasons))
                    reached = True
                case Deny():
                    refused = decision if refused is None else refused
        if not reached:
            return _forbidden(refused, bound)
    return (
        Reach(action, tuple(found), tuple(reasons), bound.revision) if found else _forbidden(refused, bound)
    )


def _every_part(
    named: tuple[tuple[StudyEntry, _Named], ...], action: Action, bound: Bound
) -> Reach | Refusal:
    found: list[Part] = []
    reasons: dict[Reason, None] = {}
    for study, parts in named:
        for series, instances in parts:
            decision = bound.decide(action, study.facts_of(series))
            if not isinstance(decision, Allow):
                # The same words whichever part it was, and without the rule's
                # message, which could describe a part that the caller cannot see.
                return Refusal(
                    Answer.FORBIDDEN, (Reason(ReasonCode.PARTLY_VISIBLE), *decision.reasons), bound.revision
                )
            found.append(Part(study, series, instances, decision.mask))
            reasons.update(dict.fromkeys(decision.reasons))
    return Reach(action, tuple(found), tuple(reasons), bound.revision)


def _forbidden(refused: Deny | None, bound: Bound) -> Refusal:
    reasons = refused.reasons if refused is not None else (Reason(ReasonCode.NO_PERMIT),)
    return Refusal(
        Answer.FORBIDDEN, reasons, bound.revision, refused.message if refused is not None else None
    )
