"""What may pass a proxy that asks the gate and then fetches the answer itself.

The gate will not see that answer, so nothing can be taken out of it.  Therefore only two things
are safe: one named object that the subject may have whole and unmasked, and what is about all
objects, for a subject from whom no object is kept back and nothing is masked.

A study may have grown since the index last heard of it, and the archive answers with all that it has.
So more than an instance is safe only if the study alone decides: every series that could be in
it would be allowed, whatever that series says.

Called by the door that proxies ask and by that of Orthanc's authorization plugin; calls the engine
and `resolve`.

Invariants:
- what is `Whole` could be sent by the gate's own doors without leaving out or changing anything;
- "no" here is not a denial: the gate itself may have an answer for the subject.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow
from pacsgate.model.mask import NO_MASK
from pacsgate.model.resource import ArchiveName, Level, ResourceKey, TenantScope
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import TRUE
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry
from pacsgate.services.orthanc_reach import OrthancReach
from pacsgate.services.reach_obligations import common_mask
from pacsgate.services.resolve import Reach, Refusal, Resolver

_NAMED_BY_NO_MASK = "(any other)"
"""Stands for every attribute that no mask names: a mask of "all but" hides it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """One object, whole: what each needed action reaches of it, the most telling first."""

    reaches: tuple[Reach, ...]

    @property
    def reach(self) -> Reach:
        """What goes on record."""
        return self.reaches[0]


@dataclass(frozen=True, slots=True)
class SafeUnseen:
    """Says what is safe."""

    resolver: Resolver
    orthanc: OrthancReach

    def key(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        key: ResourceKey,
        actions: Collection[Action],
        bound: Bound,
    ) -> Whole | None:
        """What has these UIDs, if it is safe.  Raises `ArchiveError`."""
        reaches = _each(actions, lambda action: self.resolver.reach(scope, archive, key, action, bound))
        return _whole(reaches, key, bound)

    def recall_key(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        key: ResourceKey,
        actions: Collection[Action],
        bound: Bound,
    ) -> Whole | None:
        """The same from memory alone; `None` says nothing, not even no."""
        reaches = _each(actions, lambda action: self.resolver.recall(scope, archive, key, action, bound))
        return _whole(reaches, key, bound)

    def named(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        level: Level,
        orthanc_id: str,
        actions: Collection[Action],
        bound: Bound,
    ) -> Whole | None:
        """What Orthanc calls so, if it is safe; a patient never is.  Raises `ArchiveError`."""
        if level is Level.PATIENT:
            return None
        reaches = _each(
            actions,
            lambda action: self.orthanc.reach_named(scope, archive, level, orthanc_id, action, bound),
        )
        named = self.orthanc.names.resolve(scope, archive, level, orthanc_id) if reaches else None
        return None if named is None else _whole(reaches, named.keys[0], bound)

    def recall_named(
        self,
        scope: TenantScope,
        archive: ArchiveName,
        level: Level,
        orthanc_id: str,
        actions: Collection[Action],
        bound: Bound,
    ) -> Whole | None:
        """The same from memory alone; `None` says nothing, not even no."""
        named = self.orthanc.names.recall(scope, archive, level, orthanc_id)
        if named is None or named.level is not Level.INSTANCE:
            return None
        return self.recall_key(scope, archive, named.keys[0], actions, bound)


def everything(bound: Bound, actions: Collection[Action]) -> bool:
    """Whether the subject may do this to all objects, those to come included, with nothing masked."""
    keys = _keys_of_masks(bound.policy)
    return bool(actions) and all(_is_everywhere(bound, action, keys) for action in actions)


def anything(bound: Bound) -> bool:
    """Whether there could be an object to which the subject may do something."""
    return any(bound.could(action) is None for action in Action)


def _keys_of_masks(policy: Policy) -> frozenset[str]:
    """One attribute at least that each mask of the policy hides, worked out once."""
    known: frozenset[str] | None = policy.memory.get(_keys_of_masks)
    if known is None:
        named = (keyword for rule in policy.rules for keyword in rule.mask.keywords)
        known = policy.memory[_keys_of_masks] = frozenset((*named, _NAMED_BY_NO_MASK))
    return known


def _is_everywhere(bound: Bound, action: Action, keys: frozenset[str]) -> bool:
    constraint = bound.constraint(action, keys)
    return isinstance(constraint, Constraint) and constraint.formula == TRUE


def _each(
    actions: Collection[Action], resolve: Callable[[Action], Reach | Refusal | None]
) -> tuple[Reach, ...]:
    """What each action reaches, the most telling action first; nothing if one of them reaches nothing."""
    reaches: list[Reach] = []
    for action in sorted(actions, key=list(Action).index, reverse=True):
        found = resolve(action)
        if not isinstance(found, Reach):
            return ()
        reaches.append(found)
    return tuple(reaches)


def _whole(reaches: tuple[Reach, ...], key: ResourceKey, bound: Bound) -> Whole | None:
    return Whole(reaches) if reaches and all(_is_whole(reach, key, bound) for reach in reaches) else None


def _is_whole(reach: Reach, key: ResourceKey, bound: Bound) -> bool:
    if key.level is Level.INSTANCE:
        return common_mask(reach).hides_nothing
    return _decides_alone(reach.studies, reach.action, bound)


def _decides_alone(studies: Iterable[StudyEntry], action: Action, bound: Bound) -> bool:
    """Whether what is known of the studies is enough for yes, with nothing known of any series.

    What is true while something is unknown stays true once it is known, so then every series is allowed.
    """
    decisions = [
        bound.decide(needed, ResourceFacts(study.facts))
        for study in studies
        for needed in {action, Action.SEARCH}
    ]
    return all(isinstance(decision, Allow) and decision.mask == NO_MASK for decision in decisions)
