"""Who may do something to one study, and what one person may do to all of them.

`who_can` decides about each part of the study for everybody, once for all whom no rule can tell apart.
`what_can` counts the whole archive by its kinds: totals, and how they fall on the values of whatever the
policy's conditions name.

Called by the command line and the console.

Invariants:
- both say what the doors would do: an action reaches what `reach` says that it reaches.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Reason
from pacsgate.model.grant import Grant
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Scalar, Subject
from pacsgate.policy.binding import all_of
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.difference import Count, Span, exactly
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    KEY_ATTRIBUTES,
    MODALITIES,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Not,
    Scope,
    ValueType,
)
from pacsgate.policy.kind_sets import SubjectSets
from pacsgate.policy.policy import Policy
from pacsgate.policy.population import Bounds
from pacsgate.policy.principals import principals
from pacsgate.policy.reach import MANNERS, Manner, reached, reaching

VALUES = 50
"""Of an attribute with more values than this, those of most studies are counted."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Some subject that may do what was asked, on so many parts of the study, and by what."""

    subject: Subject
    parts: tuple[int, ...]
    """By their place."""
    reasons: tuple[Reason, ...]


def who_can(
    policy: Policy,
    subjects: Iterable[Subject],
    context: Context,
    archive: ArchiveName,
    grants: Sequence[Grant],
    action: Action,
    parts: Sequence[ResourceFacts],
) -> Iterator[Holder]:
    """Everybody who may do this to one study, in the order of the subjects."""
    everybody = list(subjects)
    answers: dict[str, tuple[tuple[int, ...], tuple[Reason, ...]]] = {}
    for principal in principals(everybody, (policy,), grants):
        bound = bind(policy, principal.subject, context, archive, grants)
        places = reached(bound, action, parts)
        answer = places, tuple(_reasons(bound, action, [parts[place] for place in places]))
        answers |= dict.fromkeys(principal.names, answer)
    for subject in everybody:
        places, reasons = answers[subject.name]
        if places:
            yield Holder(subject, places, reasons)


def _reasons(bound: Bound, action: Action, parts: Iterable[ResourceFacts]) -> Iterable[Reason]:
    decisions = (bound.decide(action, facts) for facts in parts)
    return dict.fromkeys(
        reason for decision in decisions if isinstance(decision, Allow) for reason in decision.reasons
    )


def stand_ins(policy: Policy) -> tuple[Mapping[str, Subject], Mapping[str, Subject]]:
    """Somebody of each group that the policy names, and with each role, of whom nothing else is known."""
    groups = frozenset[str]().union(
        *(rule.groups for rule in policy.rules), *(given.groups for given in policy.assignments)
    )
    return (
        {name: Subject(DEFAULT_TENANT, f"group {name}", groups=frozenset({name})) for name in sorted(groups)},
        {
            name: Subject(DEFAULT_TENANT, f"role {name}", assignments=(Assignment(name),))
            for name in sorted(policy.own_roles)
        },
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """In how many studies a subject may do something, of all or of those with one value of an attribute."""

    action: Action
    studies: Span


@dataclass(frozen=True, slots=True)
class Share:
    """The holdings that fall on one value of an attribute; `None` is no value."""

    attribute: Attribute
    value: Scalar | None
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Examiner:
    """Counts what one subject may do in one archive."""

    sets: SubjectSets
    bound: Bound
    count: Count

    def totals(self) -> tuple[Holding, ...]:
        """For each action of which anything is reached, the studies."""
        return tuple(self._holdings(None, None))

    def shares(self) -> Iterator[Share]:
        """The same by the values of every attribute that rules name and kinds hold."""
        for attribute in self._attributes():
            parts = self.sets.of.population.values(attribute)
            shares = (
                Share(attribute, value, tuple(self._holdings(_is(attribute, value), held)))
                for value, held in parts.items()
            )
            found = [share for share in shares if share.holdings]
            found.sort(key=lambda share: (-share.holdings[0].studies.most, str(share.value)))
            yield from found[:VALUES]

    def _attributes(self) -> list[Attribute]:
        named, population = self.bound.policy.named | {MODALITIES}, self.sets.of.population
        return sorted(
            attribute
            for attribute in named - KEY_ATTRIBUTES
            if attribute.scope in (Scope.STUDY, Scope.SERIES) and population.is_settled(attribute)
        )

    def _holdings(self, condition: Formula | None, parts: int | None) -> Iterator[Holding]:
        population = self.sets.of.population
        for action in Action:
            kinds = self.sets.kinds(action)
            if parts is not None:
                here = self.sets.reached(action)
                within = population.some(Bounds(here.sure & parts, here.possible & parts))
                kinds = kinds & within
            if kinds.possible:
                studies = self._studies(action, kinds, condition)
                if studies.most:
                    yield Holding(action, studies)

    def _studies(self, action: Action, kinds: Bounds, condition: Formula | None) -> Span:
        population = self.sets.of.population
        if kinds.is_exact or MANNERS[action] is Manner.WHOLE:
            return Span(population.studies(kinds.sure), population.studies(kinds.possible))
        formula = reaching(self.bound, action)
        asked = formula if condition is None else all_of(formula, condition)
        return exactly(self.count(Constraint(asked, self.bound.revision)))


def _is(attribute: Attribute, value: Scalar | None) -> Formula:
    if value is None:
        return Not(Has(attribute))
    if attribute.type is ValueType.SET:
        return Contains(attribute, str(value))
    return Compare(attribute, Comparison.EQ, value)
