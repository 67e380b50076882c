"""Oddities that a rule has because of another: it is made idle, or always beaten.

Called by `lint`.

Invariants:
- one rule covers another only if it means all whom the other means, in all it does, wherever it applies.
"""

from collections.abc import Callable, Iterator

from pacsgate.model.actions import ALL_ACTIONS, Action
from pacsgate.model.decision import Effect
from pacsgate.policy.implication import Conditions
from pacsgate.policy.ir import Truth
from pacsgate.policy.lint_findings import APPLYING, LintFinding, Oddity, warning
from pacsgate.policy.policy import Policy, Rule


def shadowed(policy: Policy) -> Iterator[LintFinding]:
    """Rules that another makes idle."""
    conditions = Conditions()
    for rule, other in _pairs(policy, conditions, _covers):
        if _covers(policy, conditions, rule, other) and _stands(rule) < _stands(other):
            continue  # they say the same; the later one is named
        yield warning(
            Oddity.SHADOWED,
            rule.place,
            f"{rule.effect} `{rule.rule_id}` changes nothing: "
            f"wherever it applies, `{other.rule_id}` ({other.place}) does too",
            "remove one of them",
        )


def _stands(rule: Rule) -> tuple[str, int, str]:
    return rule.place.file, rule.place.line, rule.rule_id


def always_forbidden(policy: Policy) -> Iterator[LintFinding]:
    """Permits that a forbid always beats."""
    for rule, other in _pairs(policy, Conditions(), _beats):
        yield warning(
            Oddity.ALWAYS_FORBIDDEN,
            rule.place,
            f"permit `{rule.rule_id}` allows nothing: "
            f"wherever it applies, forbid `{other.rule_id}` ({other.place}) does too",
            "narrow the forbid, or remove the permit",
        )


_Holds = Callable[[Policy, Conditions, Rule, Rule], bool]


def _pairs(policy: Policy, conditions: Conditions, holds: _Holds) -> Iterator[tuple[Rule, Rule]]:
    """Each rule that can apply with the first other that stands so to it."""
    by_role: dict[str, list[Rule]] = {}
    for rule in policy.rules:
        for role in rule.roles or ("",):
            by_role.setdefault(role, []).append(rule)
    for rule in policy.rules:
        if rule.unsupported or conditions.can_be(rule.condition, APPLYING[rule.effect]) is False:
            continue
        roles = {"", *rule.roles}.union(*(policy.roles[role].extends for role in rule.roles))
        near = {other.rule_id: other for role in sorted(roles) for other in by_role.get(role, ())}
        others = (each for each in near.values() if each is not rule)
        found = next((each for each in others if holds(policy, conditions, each, rule)), None)
        if found is not None:
            yield rule, found


def _covers(policy: Policy, conditions: Conditions, other: Rule, rule: Rule) -> bool:
    """Whether `other` has the same effect and applies wherever `rule` does, without asking or hiding more."""
    if other.effect is not rule.effect or not _means_all_of(other, rule):
        return False
    if rule.effect is Effect.FORBID:
        says_more = rule.message is not None and other.message != rule.message
        if says_more or other.break_glass:
            return False
        return _forbids_all_of(policy, conditions, other, rule)
    asks_more = (
        other.unsupported
        or (other.needs_reason and not rule.needs_reason)
        or (other.step_up is not None and other.step_up != rule.step_up)
    )
    hides_more = not other.mask.hides_nothing and other.mask != rule.mask
    if asks_more or hides_more or not _permits_all_of(policy, other, rule):
        return False
    return conditions.settles(rule.condition, Truth.TRUE, other.condition, Truth.TRUE) is True


def _forbids_all_of(policy: Policy, conditions: Conditions, other: Rule, rule: Rule) -> bool:
    actions = ALL_ACTIONS if rule.actions is None else rule.actions
    return _forbids(policy, other, actions, rule.roles) and all(
        conditions.settles(rule.condition, truth, other.condition, Truth.UNKNOWN) is True
        for truth in APPLYING[Effect.FORBID]
    )


def _beats(policy: Policy, conditions: Conditions, forbid: Rule, permit: Rule) -> bool:
    """Whether a forbid applies wherever a permit does."""
    if forbid.effect is not Effect.FORBID or permit.effect is not Effect.PERMIT or forbid.break_glass:
        return False
    if not _means_all_of(forbid, permit):
        return False
    actions = frozenset[Action]().union(*(_permitted(policy, permit, role) for role in permit.roles))
    if not _forbids(policy, forbid, actions, permit.roles):
        return False
    return conditions.settles(permit.condition, Truth.TRUE, forbid.condition, Truth.UNKNOWN) is True


def _means_all_of(other: Rule, rule: Rule) -> bool:
    """Whether whomever and wherever the one means by group, name and archive, the other does too."""
    return (
        (not other.groups or (bool(rule.groups) and rule.groups <= other.groups))
        and (not other.users or (bool(rule.users) and rule.users <= other.users))
        and (not other.archives or (bool(rule.archives) and rule.archives <= other.archives))
    )


def _permits_all_of(policy: Policy, other: Rule, rule: Rule) -> bool:
    return all(
        _permitted(policy, rule, role)
        <= frozenset().union(*(_permitted(policy, other, each) for each in _with(policy, role)))
        for role in rule.roles
    )


def _permitted(policy: Policy, rule: Rule, role: str) -> frozenset[Action]:
    """What a permit permits to those who have one role."""
    if role not in rule.roles:
        return frozenset()
    may = policy.roles[role].may
    return may if rule.actions is None else may & rule.actions


def _forbids(policy: Policy, forbid: Rule, actions: frozenset[Action], roles: frozenset[str]) -> bool:
    """Whether a forbid is about all of these actions of all who have one of these roles."""
    if forbid.actions is not None and not actions <= forbid.actions:
        return False
    if not forbid.roles:
        return True
    return bool(roles) and all(_with(policy, role) & forbid.roles for role in roles)


def _with(policy: Policy, role: str) -> frozenset[str]:
    """The roles of whoever has this one."""
    return policy.roles[role].extends | {role}
