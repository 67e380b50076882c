"""What a search may return is what a check would allow, and both are what the policy means."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacsgate.model.decision import Allow, Deny, Effect
from pacsgate.model.subject import Values
from pacsgate.policy.ir import (
    And,
    Attribute,
    Compare,
    Contains,
    Formula,
    Has,
    Like,
    Not,
    OneOf,
    Or,
    Scope,
    ValueType,
)
from pacsgate.policy.truth import held
from tests.properties.agreement import bound_policy, disagreements, reference_decision, without_rule
from tests.properties.worlds import RESOURCE_ATTRIBUTES, World, world, worlds

SEEDS = range(2000)
AT_LEAST = 100


@settings(deadline=None)
@given(worlds())
def test_engine_constraint_and_reference_say_the_same(random_world: World) -> None:
    assert list(disagreements(random_world)) == []


@settings(deadline=None)
@given(worlds())
def test_a_forbid_never_widens(random_world: World) -> None:
    for rule in random_world.policy.rules:
        if rule.effect is not Effect.FORBID:
            continue
        before = bound_policy(without_rule(random_world, rule.rule_id))
        after = bound_policy(random_world)
        for facts in random_world.resources:
            match before.decide(random_world.action, facts), after.decide(random_world.action, facts):
                case Deny(), Allow():
                    pytest.fail(f"the forbid {rule.rule_id} allowed")
                case Allow() as wide, Allow() as narrow:
                    assert wide.mask == narrow.mask
                case _:
                    pass


@settings(deadline=None)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rules_and_grants_is_irrelevant(random_world: World, shuffling) -> None:
    rules, grants = list(random_world.policy.rules), list(random_world.grants)
    shuffling.shuffle(rules)
    shuffling.shuffle(grants)
    assignments = tuple(reversed(random_world.subject.assignments))
    shuffled = replace(
        random_world,
        policy=replace(random_world.policy, rules=tuple(rules)),
        subject=replace(random_world.subject, assignments=assignments),
        grants=tuple(grants),
    )
    for facts in random_world.resources:
        one = bound_policy(random_world).decide(random_world.action, facts)
        other = bound_policy(shuffled).decide(random_world.action, facts)
        assert type(one) is type(other)
        assert set(one.reasons) == set(other.reasons)
        if isinstance(one, Allow) and isinstance(other, Allow):
            assert one.mask == other.mask


@settings(deadline=None)
@given(worlds())
def test_forbids_hold_over_every_grant(random_world: World) -> None:
    """With every permit taken away, what grants allow is still within what the forbids leave."""
    forbids = tuple(rule for rule in random_world.policy.rules if rule.effect is Effect.FORBID)
    permitless = replace(random_world, policy=replace(random_world.policy, rules=forbids))
    free = replace(random_world, policy=replace(random_world.policy, rules=()))
    for facts in random_world.resources:
        allowed = isinstance(bound_policy(permitless).decide(random_world.action, facts), Allow)
        granted = isinstance(bound_policy(free).decide(random_world.action, facts), Allow)
        forbidden = "forbidden" in {
            reason.code.value
            for reason in bound_policy(permitless).decide(random_world.action, facts).reasons
        }
        assert allowed is (granted and not forbidden)


@settings(deadline=None)
@given(worlds())
def test_one_grant_fewer_never_allows_more(random_world: World) -> None:
    for number in range(len(random_world.grants)):
        fewer = replace(random_world, grants=random_world.grants[:number] + random_world.grants[number + 1 :])
        for facts in random_world.resources:
            if isinstance(bound_policy(fewer).decide(random_world.action, facts), Allow):
                assert isinstance(bound_policy(random_world).decide(random_world.action, facts), Allow)


@settings(deadline=None)
@given(worlds())
def test_nothing_changes_until_the_moment_that_is_named(random_world: World) -> None:
    bound = bound_policy(random_world)
    last = bound.valid_until - timedelta(microseconds=1)
    assert last >= random_world.context.now
    later = bound_policy(replace(random_world, context=replace(random_world.context, now=last)))
    for facts in random_world.resources:
        assert later.decide(random_world.action, facts) == bound.decide(random_world.action, facts)


def test_the_worlds_exercise_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Worlds that allow everything, or nothing, or never meet a missing value, would prove nothing."""
    met: Counter[str] = Counter()
    for seed in SEEDS:
        each = world(seed, rules=1 + seed % 8)
        met.update(_met(each))
    with capsys.disabled():
        print("\n  worlds met:", ", ".join(f"{what} {count}" for what, count in sorted(met.items())))
    asked, allowed = met["asked"], met["allow"]
    assert 0.2 <= allowed / asked <= 0.8, f"{allowed} of {asked} allowed"
    assert {what: count for what, count in met.items() if count < AT_LEAST} == {}
    assert set(met) >= EXPECTED


EXPECTED = {
    *("Compare", "OneOf", "Contains", "Like", "Has", "And", "Or", "Not"),
    *("==", "!=", "<", "<=", ">", ">="),
    *("operand of the user", "operand of the environment", "about the user", "about the environment"),
    *("about the study", "about the series", "about a set", "about a date", "about a number"),
    *("missing value", "missing set", "disagreeing value", "empty set"),
    *("permitted-by-rule", "permitted-by-grant", "forbidden", "no-permit", "no-role", "token-scope"),
    *("obligation-unsupported", "masked-key", "mask", "masked allow"),
}


def _met(each: World) -> Iterator[str]:
    for rule in each.policy.rules:
        yield from _parts(rule.condition)
        if rule.mask.keywords:
            yield "mask"
    for facts in each.resources:
        for attribute in RESOURCE_ATTRIBUTES:
            yield from _held(held(attribute, facts), attribute)
    for facts in each.resources:
        decision = reference_decision(each, facts)
        yield "asked"
        yield "allow" if isinstance(decision, Allow) else "deny"
        if isinstance(decision, Allow) and not decision.mask.hides_nothing:
            yield "masked allow"
        yield from {reason.code.value for reason in decision.reasons}
        with_keys = reference_decision(each, facts, each.keys)
        yield from {reason.code.value for reason in with_keys.reasons} & {"masked-key"}


def _held(values: Values | None, attribute: Attribute) -> Iterator[str]:
    if attribute.type is ValueType.SET:
        if values is None:
            yield "missing set"
        elif not values:
            yield "empty set"
    elif not values:
        yield "missing value"
    elif len(values) > 1:
        yield "disagreeing value"


_SCOPES = {
    Scope.STUDY: "about the study",
    Scope.SERIES: "about the series",
    Scope.USER: "about the user",
    Scope.ENV: "about the environment",
}


def _parts(formula: Formula) -> Iterator[str]:
    match formula:
        case And(formulas) | Or(formulas):
            yield type(formula).__name__
            for part in formulas:
                yield from _parts(part)
        case Not(inner):
            yield "Not"
            yield from _parts(inner)
        case Compare(attribute, _, operand) | OneOf(attribute, operand) | Contains(attribute, operand):
            yield type(formula).__name__
            if isinstance(formula, Compare):
                yield formula.op.value
            yield from _about(attribute)
            if isinstance(operand, Attribute):
                yield f"operand of the {'user' if operand.scope is Scope.USER else 'environment'}"
        case Like(attribute) | Has(attribute):
            yield type(formula).__name__
            yield from _about(attribute)


def _about(attribute: Attribute) -> Iterator[str]:
    yield _SCOPES[attribute.scope]
    if attribute.type in (ValueType.SET, ValueType.DATE, ValueType.NUMBER):
        yield f"about a {attribute.type}"
