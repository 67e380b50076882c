"""What a search may return is what a check would allow, and both are what the policy means."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacsgate.model.decision import Allow, Deny, Effect
from tests.properties.agreement import (
    bound_policy,
    crowd_disagreements,
    disagreements,
    reference_decision,
    without_rule,
)
from tests.properties.coverage import EVERYTHING, Coverage
from tests.properties.worlds import World, world, worlds

SEEDS = range(3400)


@settings(deadline=None)
@given(worlds())
def test_engine_constraint_and_reference_say_the_same(random_world: World) -> None:
    assert list(disagreements(random_world)) == []


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_so_they_do_for_everybody_who_asks_the_same_policy(seed: int, rules: int) -> None:
    assert list(crowd_disagreements(seed, rules=rules)) == []


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
    coverage = Coverage()
    for seed in SEEDS:
        each = world(seed, rules=1 + seed % 8)
        coverage.add_world(each)
        for facts in each.resources:
            coverage.add_decision(reference_decision(each, facts))
            coverage.add_keys(reference_decision(each, facts, each.keys))
    coverage.show("worlds met", capsys)
    coverage.require({*EVERYTHING, "masked-key"})
