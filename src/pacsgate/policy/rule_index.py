"""What the engine needs to know of a policy as a whole, worked out once: who is concerned by which rule.

A subject has a few roles of many, so most rules cannot concern it; they are found by
role and action instead of being looked at one by one.  And of a subject and its
circumstances rules see only what some of them name: whoever is alike in that gets the same
answers, and shares what has been worked out (`signature`).

Called by `engine`.

Invariants:
- a rule that is left out would have made no branch;
- two subjects with the same signature are told apart by no rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Effect
from pacsgate.model.grant import Grant, GranteeKind
from pacsgate.model.strength import Strength
from pacsgate.model.subject import Attributes, Subject
from pacsgate.policy.branches import typed
from pacsgate.policy.environment import CALLED_AE, CALLING_AE, NETWORK, PURPOSE, RISK
from pacsgate.policy.ir import Scope
from pacsgate.policy.policy import Policy, Rule
from pacsgate.policy.request_patterns import REQUEST
from pacsgate.policy.standing import Standing

_EVERYBODY = ""
"""Stands for a role where a forbid names none."""

Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """The rules of one policy, by whom they concern."""

    permits: Mapping[tuple[Action, str], Sequence[int]]
    forbids: Mapping[tuple[Action, str], Sequence[int]]
    """By action and role, the places of rules in the policy."""
    rules: Sequence[Rule]
    groups: frozenset[str]
    users: frozenset[str]
    user_attributes: Sequence[str]
    environment_attributes: Sequence[str]
    needs_reason: bool
    """Whether any rule does."""
    step_ups: Sequence[Strength]
    """What the rules ask to have been proven."""
    reads_ages: bool
    """Whether how lately something was proven makes a difference."""
    demands_by_network: bool
    """Whether how much must be proven depends on the network."""

    def permits_of(self, action: Action, roles: Iterable[str]) -> Sequence[Rule]:
        """The permits that could concern somebody with these roles, in their order."""
        return self._found(self.permits, action, roles)

    def forbids_of(self, action: Action, roles: Iterable[str]) -> Sequence[Rule]:
        """The forbids that could."""
        return self._found(self.forbids, action, (_EVERYBODY, *roles))

    def _found(
        self, by: Mapping[tuple[Action, str], Sequence[int]], action: Action, roles: Iterable[str]
    ) -> Sequence[Rule]:
        places = chain.from_iterable(by.get((action, role), ()) for role in roles)
        return [self.rules[place] for place in sorted(set(places))]

    def signature(
        self, subject: Subject, context: Context, standing: Standing, user: Attributes, env: Attributes
    ) -> Signature:
        """Everything of a subject and its circumstances that any rule can see."""
        return (
            standing.roles,
            frozenset(standing.collections_of.items()),
            standing.patient,
            self.groups & subject.groups,
            subject.name if subject.name in self.users else None,
            tuple(typed(user.get(name)) for name in self.user_attributes),
            tuple(typed(env.get(name)) for name in self.environment_attributes),
            self.needs_reason and context.reason is not None,
            tuple(strength.is_shown_by(subject, context.asked_at) for strength in self.step_ups),
        )


def rule_index(policy: Policy) -> RuleIndex:
    """The index of this policy."""
    known = policy.memory.get(rule_index)
    if not isinstance(known, RuleIndex):
        # Two threads may both make it; they make the same.
        known = policy.memory[rule_index] = _indexed(policy)
    return known


def _indexed(policy: Policy) -> RuleIndex:
    permits: dict[tuple[Action, str], list[int]] = {}
    forbids: dict[tuple[Action, str], list[int]] = {}
    for place, rule in enumerate(policy.rules):
        for action in Action if rule.actions is None else rule.actions:
            if rule.effect is Effect.FORBID:
                for role in rule.roles or (_EVERYBODY,):
                    forbids.setdefault((action, role), []).append(place)
                continue
            for role in rule.roles:
                if action in policy.roles[role].may:
                    permits.setdefault((action, role), []).append(place)
    return RuleIndex(
        permits=permits,
        forbids=forbids,
        rules=policy.rules,
        groups=frozenset().union(*(rule.groups for rule in policy.rules)),
        users=frozenset().union(*(rule.users for rule in policy.rules)),
        user_attributes=sorted(each.name for each in policy.named if each.scope is Scope.USER),
        environment_attributes=sorted(each.name for each in policy.named if each.scope is Scope.ENV),
        needs_reason=any(rule.needs_reason for rule in policy.rules),
        step_ups=tuple(dict.fromkeys(rule.step_up for rule in policy.rules if rule.step_up is not None)),
        reads_ages=any(
            strength is not None and strength.within is not None
            for strength in (
                *(rule.step_up for rule in policy.rules),
                *(rule.strength for rule in policy.authentication),
            )
        ),
        demands_by_network=any(rule.networks for rule in policy.authentication),
    )


def step_up_edges(policy: Policy, subject: Subject) -> Iterator[datetime]:
    """When what the subject has proven will be too old for some rule."""
    for strength in rule_index(policy).step_ups:
        lapses = strength.lapses(subject)
        if lapses is not None:
            yield lapses


def circumstances(policy: Policy, context: Context) -> tuple[object, ...]:
    """Everything of a context that rules can see, apart from the time."""
    index, named = rule_index(policy), policy.named
    return (
        context.network if NETWORK in named or index.demands_by_network else None,
        context.purpose if PURPOSE in named else None,
        context.risk if RISK in named else None,
        context.calling_ae_title if CALLING_AE in named else None,
        context.called_ae_title if CALLED_AE in named else None,
        policy.request_patterns.matching(context.request) if REQUEST in named else None,
        index.needs_reason and context.reason is not None,
        context.begun if index.reads_ages else None,
    )


def grants_of(
    policy: Policy, grants: Sequence[Grant], subject: Subject, roles: Iterable[str]
) -> tuple[Grant, ...]:
    """The grants made to a subject, to its groups or its roles; the same many grants are sorted once."""
    remembered = policy.memory.get(grants_of)
    if not (isinstance(remembered, tuple) and remembered[0] is grants):
        by_grantee: dict[tuple[GranteeKind, str], list[Grant]] = {}
        for grant in grants:
            by_grantee.setdefault((grant.grantee_kind, grant.grantee), []).append(grant)
        remembered = policy.memory[grants_of] = (grants, by_grantee)
    found: Mapping[tuple[GranteeKind, str], Sequence[Grant]] = remembered[1]
    to_groups = (found.get((GranteeKind.GROUP, group), ()) for group in sorted(subject.groups))
    to_roles = (found.get((GranteeKind.ROLE, role), ()) for role in sorted(roles))
    return (*found.get((GranteeKind.USER, subject.name), ()), *chain(*to_groups), *chain(*to_roles))
