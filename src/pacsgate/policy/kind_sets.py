"""Which kinds of study one subject reaches, each rule swept over the whole archive at once.

What `branches` says with formulas is said here with sets of parts: a permit applies where one of its roles
is had and its condition is true, a forbid wherever that is not plainly false.  The sets of comparisons are
shared by all subjects who bring the same values to them (`condition_sets`), so that a thousand subjects cost
a thousand times a few dozen unions.

Rule by rule, the sets also tell which of them made a difference, which `difference` reports.

Called by `examine` and `difference`.

Invariants:
- where nothing open takes part, a part is in `parts(action)` exactly when the engine allows the action on it,
  and a kind in `kinds(action)` exactly when `reach.reached` is not empty of its parts;
- where something open does, every such part is in `possible`, and every part in `sure` is one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from operator import or_

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Effect
from pacsgate.model.grant import Grant, GranteeKind
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import Subject
from pacsgate.policy.binding import any_of
from pacsgate.policy.branches import Asker, grant_branches
from pacsgate.policy.condition_sets import ConditionSets, Where
from pacsgate.policy.engine import actions_needed
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.ir import Formula, Truth
from pacsgate.policy.policy import Policy, Rule
from pacsgate.policy.population import NOWHERE, Bounds, Population
from pacsgate.policy.reach import MANNERS, Manner
from pacsgate.policy.standing import standing
from pacsgate.policy.strength import Demands, demands_on


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A rule for one action, with the roles through which it can concern somebody."""

    rule: Rule
    roles: tuple[str, ...]
    """None names everybody."""


class KindSets:
    """One policy over one population: the sets of each subject, with what they share worked out once."""

    def __init__(
        self, policy: Policy, population: Population, archive: ArchiveName, grants: Iterable[Grant] = ()
    ) -> None:
        self.policy = policy
        self.population = population
        self.archive = archive
        self._grants = _by_grantee(grants)
        self._rules = {action: _prepared(policy.rules, action, policy) for action in Action}
        self._like = {action: self._first_like(action) for action in Action}
        self._sets = ConditionSets(population)
        self._conditions: dict[str, Where] = {}

    def of(self, subject: Subject, context: Context) -> "SubjectSets":
        """What this subject reaches in these circumstances."""
        asker = Asker(
            subject=subject,
            standing=standing(self.policy, subject, self.archive, context.now),
            archive=self.archive,
            user=user_attributes(subject),
            env=environment_attributes(subject, context, self.policy),
            gives_reason=context.reason is not None,
            asked_at=context.asked_at,
        )
        roles = (*asker.standing.roles, *asker.standing.collections_of)
        demands = demands_on(self.policy, subject, context)
        having = {role: asker.standing.having(role) for role in roles}
        return SubjectSets(self, asker, context, demands, having)

    def like(self, action: Action) -> Action:
        """One action of all that no rule tells from this one; grants may."""
        return self._like[action]

    def rules(self, action: Action, effect: Effect, roles: Iterable[str]) -> Iterable[_Prepared]:
        """The rules of one effect that could concern an action of somebody with these roles, each once."""
        by_role = self._rules[action][effect]
        found = chain.from_iterable(by_role.get(role, ()) for role in ("", *roles))
        return {prepared.rule.rule_id: prepared for prepared in found}.values()

    def _first_like(self, action: Action) -> Action:
        return next(each for each in Action if self._rules[each] == self._rules[action])

    def grants_of(self, subject: Subject, roles: Iterable[str]) -> Iterator[Grant]:
        """The grants made to a subject, its groups or its roles."""
        yield from self._grants.get((GranteeKind.USER, subject.name), ())
        for group in subject.groups:
            yield from self._grants.get((GranteeKind.GROUP, group), ())
        for role in roles:
            yield from self._grants.get((GranteeKind.ROLE, role), ())

    def applies(self, prepared: _Prepared, asker: Asker, having: Mapping[str, Formula]) -> Bounds:
        """The parts on which a permit or forbid applies to whoever asks, who has these roles there."""
        rule = prepared.rule
        if not asker.is_meant_by(rule) or (rule.effect is Effect.PERMIT and not _is_usable(rule, asker)):
            return NOWHERE
        holds = self._where(rule)(asker.user, asker.env)
        if not prepared.roles:
            return holds
        had = any_of(*(having[role] for role in prepared.roles if role in having))
        if rule.effect is Effect.PERMIT:
            return holds & self.population.parts(had)
        return holds.without(self.population.parts(had, Truth.FALSE))

    def _where(self, rule: Rule) -> Where:
        """Where a permit's condition is true, or a forbid's is not false."""
        known = self._conditions.get(rule.rule_id)
        if known is None:
            known = self._conditions[rule.rule_id] = self._condition(rule)
        return known

    def _condition(self, rule: Rule) -> Where:
        if rule.effect is Effect.PERMIT:
            return self._sets.where(rule.condition, Truth.TRUE)
        spared, everything = self._sets.where(rule.condition, Truth.FALSE), self.population.everything
        return lambda user, env: everything.without(spared(user, env))


def _is_usable(permit: Rule, asker: Asker) -> bool:
    if permit.unsupported or asker.must_prove(permit) is not None:
        return False
    return asker.gives_reason or not permit.needs_reason


@dataclass(frozen=True, slots=True, eq=False)
class SubjectSets:
    """What one subject reaches, action by action."""

    of: KindSets
    asker: Asker
    context: Context
    demands: Demands
    """How strongly the subject must have proven itself."""
    _having: Mapping[str, Formula]
    """Where the subject has each of its roles."""
    _parts: dict[Action, Bounds] = field(default_factory=dict, repr=False)
    _applying: dict[tuple[Effect, Action], Sequence[tuple[Rule, Bounds]]] = field(
        default_factory=dict, repr=False
    )

    def kinds(self, action: Action) -> Bounds:
        """The kinds of study of which the action reaches anything."""
        population = self.of.population
        match MANNERS[action]:
            case Manner.EACH | Manner.FOUND:
                return population.some(self.reached(action))
            case Manner.WHOLE:
                return population.every(self.parts(action)) & population.some(self.parts(Action.SEARCH))

    def reached(self, action: Action) -> Bounds:
        """The parts that the action reaches of the kinds that it reaches."""
        if MANNERS[action] is Manner.FOUND:
            return self.parts(action) & self.parts(Action.SEARCH)
        return self.parts(action)

    def parts(self, action: Action) -> Bounds:
        """The parts on which the engine allows the action."""
        known = self._parts.get(action)
        if known is None:
            first, *others = (self._one(each) for each in actions_needed(action))
            known = self._parts[action] = reduce(lambda one, other: one & other, others, first)
        return known

    def grants(self, action: Action) -> Sequence[Formula]:
        """Where grants apply, as formulas."""
        grants = tuple(self.of.grants_of(self.asker.subject, self._having))
        if not grants:
            return ()
        return [each.formula for each in grant_branches(grants, action, self.asker, self.context.now)]

    def granted(self, action: Action) -> Bounds:
        """Where grants apply; which studies they name is open."""
        return _union(map(self.of.population.parts, self.grants(action)))

    def applying(self, effect: Effect, action: Action) -> Sequence[tuple[Rule, Bounds]]:
        """Each permit, or each forbid, that applies somewhere, and where."""
        like = self.of.like(action)
        known = self._applying.get((effect, like))
        if known is None:
            found = (
                (prepared.rule, self.of.applies(prepared, self.asker, self._having))
                for prepared in self.of.rules(like, effect, self._having)
            )
            known = self._applying[effect, like] = [(rule, parts) for rule, parts in found if parts.possible]
        return known

    def _one(self, action: Action) -> Bounds:
        token_actions = self.asker.subject.token_actions
        if token_actions is not None and action not in token_actions:
            return NOWHERE
        if self.demands.for_action(action) is not None:
            return NOWHERE
        permitted = _union(found for _, found in self.applying(Effect.PERMIT, action)) | self.granted(action)
        if not permitted.possible:
            return NOWHERE
        return permitted.without(_union(found for _, found in self.applying(Effect.FORBID, action)))


def _union(sets: Iterable[Bounds]) -> Bounds:
    return reduce(or_, sets, NOWHERE)


_ByRole = Mapping[str, Sequence[_Prepared]]


def _prepared(rules: Iterable[Rule], action: Action, policy: Policy) -> Mapping[Effect, _ByRole]:
    """The rules about one action by the roles that they name; under no name those that name none."""
    found: dict[Effect, dict[str, list[_Prepared]]] = {effect: {} for effect in Effect}
    for rule in rules:
        if rule.actions is not None and action not in rule.actions:
            continue
        able = rule.roles
        if rule.effect is Effect.PERMIT:
            able = frozenset(name for name in able if action in policy.roles[name].may)
        prepared = _Prepared(rule, tuple(sorted(able)))
        for name in able if rule.roles else ("",):
            found[rule.effect].setdefault(name, []).append(prepared)
    return found


def _by_grantee(grants: Iterable[Grant]) -> Mapping[tuple[GranteeKind, str], Sequence[Grant]]:
    found: dict[tuple[GranteeKind, str], list[Grant]] = {}
    for grant in grants:
        found.setdefault((grant.grantee_kind, grant.grantee), []).append(grant)
    return found
