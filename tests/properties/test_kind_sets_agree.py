"""What is swept over kinds of study at once is what the engine says of each study by itself, and so is a diff."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.subject import Attributes
from pacsgate.policy.constraint import Constraint
from pacsgate.policy.difference import Comparison, Span, alterations
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import KEY_ATTRIBUTES, MANY_VALUED
from pacsgate.policy.kind_sets import KindSets
from pacsgate.policy.policy import Policy
from pacsgate.policy.population import Population
from pacsgate.policy.principals import Principal, principals
from pacsgate.policy.reach import MANNERS, Manner, reached
from tests.properties.worlds import World, world

SEEDS = range(150)
_OPEN_NAMES = frozenset(attribute.name for attribute in KEY_ATTRIBUTES | MANY_VALUED)


@dataclass(frozen=True)
class Kind:
    number: int
    study: Attributes
    parts: tuple[Attributes, ...]
    studies: int = 1
    open: frozenset[str] = frozenset()


def kinds(of: World, *, without_open: bool) -> list[Kind]:
    def kept(facts: Attributes) -> Attributes:
        return {name: held for name, held in facts.items() if not (without_open and name in _OPEN_NAMES)}

    return [
        Kind(
            number,
            kept(study.facts),
            tuple(kept(part) for part in study.series),
            studies=1 + number % 3,
            open=frozenset(each.name for each in MANY_VALUED) if without_open else frozenset(),
        )
        for number, study in enumerate(of.studies)
        if study.series
    ]


def parts(of: World) -> Iterator[tuple[int, list[ResourceFacts]]]:
    for number, study in enumerate(of.studies):
        if study.series:
            yield number, [ResourceFacts(study.facts, part) for part in study.series]


def by_engine(of: World, policy: Policy, action: Action) -> set[int]:
    bound = bind(policy, of.subject, of.context, of.archive, of.grants)
    return {number for number, facts in parts(of) if reached(bound, action, facts)}


def numbers(population: Population, members: int) -> set[int]:
    return {kind.number for kind in population.members(members)}


def sweeps(of: World, policy: Policy, *, is_open: bool) -> KindSets:
    population = Population(kinds(of, without_open=is_open), KEY_ATTRIBUTES if is_open else ())
    return KindSets(policy, population, of.archive, of.grants)


def test_without_open_attributes_the_sets_are_what_the_engine_says() -> None:
    allowed = denied = 0
    for seed in SEEDS:
        of = world(seed)
        sets = sweeps(of, of.policy, is_open=False)
        swept = sets.of(of.subject, of.context)
        for action in Action:
            found = swept.kinds(action)
            assert found.is_exact
            expected = by_engine(of, of.policy, action)
            assert numbers(sets.population, found.sure) == expected, (seed, action)
            allowed, denied = allowed + len(expected), denied + len(of.studies) - len(expected)
    assert allowed > 200
    assert denied > 200


def test_with_open_attributes_the_truth_lies_between_the_bounds() -> None:
    settled = spanned = 0
    for seed in SEEDS:
        of = world(seed)
        sets = sweeps(of, of.policy, is_open=True)
        swept = sets.of(of.subject, of.context)
        for action in Action:
            found = swept.kinds(action)
            sure, possible = (numbers(sets.population, each) for each in (found.sure, found.possible))
            expected = by_engine(of, of.policy, action)
            assert sure <= expected <= possible, (seed, action)
            settled += sure == possible
            spanned += sure != possible
    assert settled > 200
    assert spanned > 40


def another_policy(of: World, seed: int) -> Policy:
    """The same one with a rule less, with a rule turned round, or a wholly different one."""
    rules = of.policy.rules
    match seed % 3:
        case 0:
            return replace(of.policy, rules=rules[1:])
        case 1 if rules:
            first = rules[0]
            turned = replace(first, effect=Effect.FORBID, roles=frozenset(), actions=None)
            return replace(of.policy, rules=(turned, *rules[1:]))
        case _:
            return replace(world(seed + 10_000).policy, declarations=of.policy.declarations)


def counted(of: World, old: Policy, new: Policy, action: Action) -> tuple[int, int]:
    many = {kind.number: kind.studies for kind in kinds(of, without_open=False)}
    was, will = by_engine(of, old, action), by_engine(of, new, action)
    return sum(many[each] for each in will - was), sum(many[each] for each in was - will)


def compare(of: World, new: Policy, *, is_open: bool, count: bool = False) -> Comparison:
    old_sets = sweeps(of, of.policy, is_open=is_open)
    many = {kind.number: kind.studies for kind in kinds(of, without_open=False)}

    def counting(constraint: Constraint) -> int:
        return sum(
            many[number] for number, facts in parts(of) if any(constraint.admits(part) for part in facts)
        )

    new_sets = KindSets(new, old_sets.population, of.archive, of.grants)
    return Comparison(old_sets, new_sets, of.grants, frozenset(), counting if count else None)


def just_signed_in(of: World) -> World:
    """The moment of a comparison is one at which everybody has just signed in."""
    return replace(of, subject=replace(of.subject, authenticated_at=of.context.now))


@pytest.mark.parametrize("is_open", [False, True])
def test_a_difference_counts_what_the_engine_gives_and_takes(*, is_open: bool) -> None:
    changes = 0
    for seed in SEEDS:
        of = just_signed_in(world(seed))
        new = another_policy(of, seed)
        found = {
            change.action: change
            for change in compare(of, new, is_open=is_open, count=is_open).changes(
                [Principal(of.subject, (of.subject.name,))], [of.context]
            )
        }
        for action in Action:
            gained, lost = counted(of, of.policy, new, action)
            change = found.get(action)
            if change is None:
                assert (gained, lost) == (0, 0), (seed, action)
                continue
            changes += 1
            spans = change.gained.studies, change.lost.studies
            if is_open and MANNERS[action] is Manner.WHOLE:
                for span, number in zip(spans, (gained, lost), strict=True):
                    assert span.least <= number <= span.most, (seed, action)
            else:
                assert spans == (Span(gained, gained), Span(lost, lost)), (seed, action)
    assert changes > 40


def test_a_policy_differs_from_itself_in_nothing() -> None:
    for seed in SEEDS:
        of = world(seed)
        comparison = compare(of, of.policy, is_open=True)
        assert alterations(of.policy, of.policy) == {}
        assert list(comparison.changes([Principal(of.subject, ("ann",))], [of.context])) == []


def test_people_of_one_principal_get_the_same_decisions() -> None:
    together = 0
    for seed in SEEDS:
        of = world(seed)
        zoe = replace(of.subject, name="zoe")
        others = [replace(world(seed + step).subject, tenant=of.subject.tenant) for step in range(1, 6)]
        named = [
            replace(each, name=f"{each.name}-{place}") if place % 2 else each
            for place, each in enumerate((of.subject, zoe, replace(zoe, name="yan"), *others))
        ]
        by_name = {subject.name: subject for subject in named}
        for principal in principals(by_name.values(), [of.policy], of.grants):
            together += len(principal.names) > 1
            answers = {
                tuple(
                    type(
                        bind(of.policy, by_name[name], of.context, of.archive, of.grants).decide(
                            action, facts
                        )
                    )
                    for action in Action
                    for _, every in parts(of)
                    for facts in every
                )
                for name in principal.names
            }
            assert len(answers) == 1, seed
    assert together > 20
