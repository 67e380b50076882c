"""What a new policy gives and takes: who gains and who loses which studies, counted.

Both policies are swept over the same kinds of study for the same principals.  Where a kind is reached
under one and not under the other, all its studies count, for everybody like that principal.  What some
rule decides by an attribute that kinds do not hold is settled by counting in the index; what not even the
index can settle (an attribute that it has not read yet) is counted as a span, from what is sure to what is
possible.

An access is one user, one study and one action.

Called by `pacsgate.services.compare_policies`.

Invariants:
- an exact count is the number of accesses on which `reach.reached` differs; tests ask it study by study;
- a span holds that number;
- what no changed rule, role or assignment touches is not counted as changed, open or not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from operator import or_

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Effect
from pacsgate.model.grant import Grant
from pacsgate.policy.binding import any_of
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.engine import actions_needed, bind
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import DERIVED_LABELS, FILTERS, Attribute, Formula, Scope
from pacsgate.policy.kind_sets import KindSets, SubjectSets
from pacsgate.policy.policy import LabelPattern, Place, Policy, Rule
from pacsgate.policy.population import NOWHERE, Bounds, Population
from pacsgate.policy.principals import Principal
from pacsgate.policy.reach import MANNERS, Manner, reaching

Count = Callable[[Constraint], int]
"""Counts in the index the studies of which a constraint admits some part."""

_NO_PLACE = Place("policy", 0)


@dataclass(frozen=True, slots=True)
class Span:
    """A number that is known exactly, or known to lie between two."""

    least: int
    most: int

    def __add__(self, other: "Span") -> "Span":
        return Span(self.least + other.least, self.most + other.most)

    def __mul__(self, times: int) -> "Span":
        return Span(self.least * times, self.most * times)

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


NONE = Span(0, 0)


def exactly(number: int) -> Span:
    """A number that is known."""
    return Span(number, number)


class Alteration(StrEnum):
    """What became of a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    READ_ANEW = "reads an attribute anew"


@dataclass(frozen=True, slots=True)
class Altered:
    """A rule that is not the same in both policies, as the new one has it if it does."""

    rule: Rule
    alteration: Alteration


@dataclass(frozen=True, slots=True)
class Cause:
    """An altered rule that took part in a change, and in how many studies."""

    altered: Altered
    studies: int


@dataclass(frozen=True, slots=True)
class Side:
    """What one principal gains, or loses, by one action: studies for each of its users."""

    studies: Span
    sure_kinds: int
    """Kinds all of whose studies are concerned, as a set of `Population`."""
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a new policy does to one principal and one action."""

    principal: Principal
    context: Context
    action: Action
    gained: Side
    lost: Side


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies over one population."""

    old: KindSets
    new: KindSets
    grants: Sequence[Grant]
    unread: frozenset[Attribute]
    """Attributes of the new policy that the index has not read, or not in this way."""
    count: Count | None = None
    _numbers: dict[Formula, int] = field(default_factory=dict, repr=False)

    def changes(self, principals: Iterable[Principal], contexts: Sequence[Context]) -> Iterator[Change]:
        """Every change, principal by principal."""
        altered = alterations(self.old.policy, self.new.policy, self.unread)
        for principal in principals:
            for context in contexts:
                # As if just signed in, whenever that is: how long ago it was is no part of the question.
                subject = replace(principal.subject, authenticated_at=context.now)
                before, after = self.old.of(subject, context), self.new.of(subject, context)
                if before.asker.standing.has_none and after.asker.standing.has_none:
                    continue
                for action in Action:
                    change = self._change(principal, before, after, action, altered)
                    if change is not None:
                        yield change

    def _change(
        self,
        principal: Principal,
        before: SubjectSets,
        after: SubjectSets,
        action: Action,
        altered: Mapping[str, Altered],
    ) -> Change | None:
        touched = self._touched(action, before, after, altered)
        if not touched:
            return None
        was, will = before.kinds(action), after.kinds(action)
        gained, lost = will.without(was).within(touched), was.without(will).within(touched)
        if not gained.possible | lost.possible:
            return None
        more, less = self._counted(before, after, action, gained, lost)
        if more == less == NONE:
            return None
        return Change(
            principal,
            before.context,
            action,
            Side(more, gained.sure, self._causes(gained.possible, action, after, before, altered)),
            Side(less, lost.sure, self._causes(lost.possible, action, before, after, altered)),
        )

    def _touched(
        self, action: Action, before: SubjectSets, after: SubjectSets, altered: Mapping[str, Altered]
    ) -> int:
        """The kinds of which something applies to some part that is not the same in both policies."""
        found = 0
        for asked in _asked(action):
            if before.grants(asked) != after.grants(asked):
                found |= before.granted(asked).possible | after.granted(asked).possible
            found |= _touched_by_rules(asked, before, after, altered)
        return self.old.population.some(Bounds(found, found)).possible if found else 0

    def _counted(
        self, before: SubjectSets, after: SubjectSets, action: Action, gained: Bounds, lost: Bounds
    ) -> tuple[Span, Span]:
        population = self.old.population
        spans = _span(population, gained), _span(population, lost)
        if gained.is_exact and lost.is_exact:
            return spans
        if self.count is None or MANNERS[action] is Manner.WHOLE:
            return spans
        was, will = (
            reaching(bind(policy, sets.asker.subject, sets.context, self.old.archive, self.grants), action)
            for policy, sets in ((self.old.policy, before), (self.new.policy, after))
        )
        if self.unread.intersection(attributes_of(any_of(was, will))):
            return spans
        # A study is in the union when it is reached under one of the two, whichever part that is by.
        of_old, of_new, of_either = (
            self._number(self.count, formula) for formula in (was, will, any_of(was, will))
        )
        return exactly(of_either - of_old), exactly(of_either - of_new)

    def _number(self, count: Count, formula: Formula) -> int:
        """How many studies have a part of which this is true; several actions often ask the same."""
        known = self._numbers.get(formula)
        if known is None:
            constraint = Constraint(formula, self.new.policy.revision)
            known = self._numbers[formula] = count(constraint)
        return known

    def _causes(
        self,
        kinds: int,
        action: Action,
        reaching: SubjectSets,
        other: SubjectSets,
        altered: Mapping[str, Altered],
    ) -> tuple[Cause, ...]:
        """The altered rules by which some kinds are reached under one policy and not under the other."""
        population = self.old.population
        found: dict[str, Cause] = {}
        for effect, sets in ((Effect.PERMIT, reaching), (Effect.FORBID, other)):
            for asked in _asked(action) if kinds else ():
                for rule, parts in sets.applying(effect, asked):
                    here = population.some(parts).possible & kinds if rule.rule_id in altered else 0
                    if here:
                        studies = population.studies(here)
                        found[rule.rule_id] = Cause(altered[rule.rule_id], studies)
        return tuple(found.values())


def alterations(
    old: Policy, new: Policy, unread: frozenset[Attribute] = frozenset()
) -> Mapping[str, Altered]:
    """The rules that are only in one of two policies, differ, or name what is not read as it was."""
    before = {rule.rule_id: rule for rule in old.rules}
    after = {rule.rule_id: rule for rule in new.rules}
    found = {name: Altered(rule, Alteration.REMOVED) for name, rule in before.items() if name not in after}
    for name, rule in after.items():
        if name not in before:
            found[name] = Altered(rule, Alteration.ADDED)
        elif replace(before[name], place=_NO_PLACE) != replace(rule, place=_NO_PLACE):
            found[name] = Altered(rule, Alteration.CHANGED)
        elif unread.intersection(attributes_of(rule.condition)):
            found[name] = Altered(rule, Alteration.READ_ANEW)
    return found


def _touched_by_rules(
    action: Action, before: SubjectSets, after: SubjectSets, altered: Mapping[str, Altered]
) -> int:
    """The parts on which a rule applies that is altered, or means something else to this subject."""
    found = 0
    for effect in Effect:
        was = {rule.rule_id: parts for rule, parts in before.applying(effect, action)}
        for rule, parts in after.applying(effect, action):
            before_it = was.pop(rule.rule_id, NOWHERE)
            if parts != before_it or rule.rule_id in altered:
                found |= parts.possible | before_it.possible
        found = reduce(or_, (parts.possible for parts in was.values()), found)
    return found


def _asked(action: Action) -> tuple[Action, ...]:
    """Every action whose decision takes part in what this one reaches."""
    actions = actions_needed(action)
    if MANNERS[action] is Manner.EACH:
        return actions
    return tuple(dict.fromkeys((*actions, Action.SEARCH)))


def unread_attributes(old: Policy, new: Policy, population: Population) -> frozenset[Attribute]:
    """Attributes of studies and series that the new policy names and the index does not hold in its way.

    `population` is that of the old policy, with nothing open.
    """
    if not population.kinds:
        return frozenset()
    return frozenset(
        attribute
        for attribute in new.named
        if attribute.scope in (Scope.STUDY, Scope.SERIES)
        and (_is_read_otherwise(attribute, old, new) or not population.holds(attribute))
    )


def _is_read_otherwise(attribute: Attribute, old: Policy, new: Policy) -> bool:
    if attribute == FILTERS:
        return not new.filters.keys() <= old.filters.keys()
    if attribute == DERIVED_LABELS:
        return _without_places(old.label_patterns) != _without_places(new.label_patterns)
    before, after = old.declarations.get(str(attribute)), new.declarations.get(str(attribute))
    if before is None or after is None:
        return before is not after
    return replace(before, place=_NO_PLACE) != replace(after, place=_NO_PLACE)


def _without_places(patterns: Iterable[LabelPattern]) -> frozenset[LabelPattern]:
    return frozenset(replace(pattern, place=_NO_PLACE) for pattern in patterns)


def _span(population: Population, kinds: Bounds) -> Span:
    return Span(population.studies(kinds.sure), population.studies(kinds.possible))
