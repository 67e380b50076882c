"""Asks every question about a world of everybody who can answer it, and lists where they differ."""

from collections.abc import Iterator
from dataclasses import replace

from pacsgate.model.decision import Allow, Decision, Deny
from pacsgate.policy import reference
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from tests.properties.worlds import World, crowd


def bound_policy(world: World) -> Bound:
    return bind(world.policy, world.subject, world.context, world.archive, world.grants)


def reference_decision(world: World, facts: ResourceFacts, keys: frozenset[str] = frozenset()) -> Decision:
    return reference.decide(
        world.policy, world.subject, world.context, world.archive, world.grants, world.action, facts, keys
    )


def disagreements(world: World) -> Iterator[str]:
    """One line for each pair of answers that should be equal and is not."""
    bound = bound_policy(world)
    could = bound.could(world.action)
    constraint = bound.constraint(world.action, world.keys)
    studies = [ResourceFacts(study.facts) for study in world.studies]
    for facts in (*world.resources, *studies):
        checked = bound.decide(world.action, facts)
        meant = reference_decision(world, facts)
        if checked != meant:
            yield f"engine {checked}, reference {meant}"
        remembered = bound.decide(world.action, facts)
        if remembered != checked:
            yield f"first {checked}, then {remembered}"
        listed = not isinstance(constraint, Deny) and constraint.admits(facts)
        if listed is not isinstance(reference_decision(world, facts, world.keys), Allow):
            yield f"listed {listed} for keys {sorted(world.keys)}, reference {meant}"
        if could is not None and isinstance(meant, Allow):
            yield f"could not {could}, reference {meant}"


def crowd_disagreements(seed: int, *, rules: int) -> Iterator[str]:
    """The same of several who ask one policy after each other: what it remembers of one is not another's."""
    for number, world in enumerate(crowd(seed, rules=rules)):
        for difference in disagreements(world):
            yield f"world {seed}, person {number}: {difference}"


def without_rule(world: World, rule_id: str) -> World:
    rules = tuple(rule for rule in world.policy.rules if rule.rule_id != rule_id)
    return replace(world, policy=replace(world.policy, rules=rules))
