"""What a table says is so for all values: held against conditions asked of many values."""

from itertools import product

import pytest

from pacsgate.policy.implication import Conditions
from pacsgate.policy.ir import TRUE, UNKNOWN, Formula, Truth
from pacsgate.policy.truth import evaluate
from tests.properties.formulas import formula, seeded
from tests.properties.worlds import world
from tests.unit.policy.hospital import policy

DECLARED = """version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.weight: {type: number, from: PatientWeight}
  study.taken: {type: date, from: AcquisitionDate}
  user.department: {type: string}
rules:
"""


def condition(text: str) -> Formula:
    (rule,) = policy(DECLARED + f'  - {{id: r, effect: forbid, when: "{text}"}}\n').rules
    return rule.condition


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("study.department == 'CT'", True),
        ("study.department == 'CT' && study.department == 'MR'", False),
        ("study.department == 'CT' && study.department != 'CT'", False),
        ("study.department in ['CT', 'MR'] && study.department in ['MR', 'US']", True),
        ("study.department in ['CT'] && study.department in ['MR', 'US']", False),
        ("study.weight > 3 && study.weight < 4", True),
        ("study.weight > 4 && study.weight < 3", False),
        ("study.taken >= '20260102' && study.taken < '20260103'", True),
        ("study.taken > '20260102' && study.taken < '20260102'", False),
        ("'VIP' in study.labels && !('VIP' in study.labels)", False),
        ("'VIP' in study.labels && 'RARE' in study.labels", True),
        ("has(study.department) && !has(study.department)", False),
        ("!has(study.department) && study.department == 'CT'", False),
        (
            "study.department.like('CT*') && study.department == 'MR'",
            True,
        ),  # a pattern is taken to be anything
        ("study.department == user.department && study.department == 'CT'", True),
        ("env.hour > 23", False),
        ("env.hour >= 23", True),
    ],
)
def test_a_condition_can_be_true_or_never_is(text: str, *, possible: bool) -> None:
    assert Conditions().can_be(condition(text), {Truth.TRUE}) is possible


@pytest.mark.parametrize(
    ("one", "other", "settled"),
    [
        ("study.weight > 5", "study.weight > 3", True),
        ("study.weight > 3", "study.weight > 5", False),
        ("study.department == 'CT'", "study.department in ['CT', 'MR']", True),
        ("study.department == 'CT'", "has(study.department)", True),
        ("has(study.department)", "study.department == 'CT'", False),
        ("study.department == user.department && env.hour > 7", "study.department == user.department", True),
        ("'A' in study.labels && 'B' in study.labels", "'B' in study.labels || 'C' in study.labels", True),
    ],
)
def test_one_condition_settles_another(one: str, other: str, *, settled: bool) -> None:
    assert Conditions().settles(condition(one), Truth.TRUE, condition(other), Truth.TRUE) is settled


def test_an_unknown_is_not_never() -> None:
    assert Conditions().can_be(UNKNOWN, {Truth.TRUE}) is False
    assert Conditions().can_be(TRUE, {Truth.TRUE}) is True


def test_several_values_make_both_a_comparison_and_its_opposite_unknown() -> None:
    both = condition("study.department == 'CT' || study.department != 'CT'")
    assert Conditions().can_be(both, {Truth.UNKNOWN}) is True


def test_a_table_that_is_too_large_says_nothing() -> None:
    many = " || ".join(f"'L{n}' in study.labels" for n in range(20))
    assert Conditions().can_be(condition(many), {Truth.TRUE}) is None


RESOURCES = [facts for seed in range(12) for facts in world(seed, studies=4).resources]


def test_never_is_said_of_nothing_that_is_sometimes_so() -> None:
    """Random conditions, bound ones, on random studies: each outcome that is met must be possible."""
    never = 0
    for seed in range(300):
        asked = formula(seeded(seed), 2, bound=True)
        possible = {truth: Conditions().can_be(asked, {truth}) for truth in Truth}
        never += sum(answer is False for answer in possible.values())
        for facts in RESOURCES:
            assert possible[evaluate(asked, facts)] is not False, (seed, asked)
    assert never > 30


def test_what_is_settled_is_settled_on_every_study() -> None:
    settled = 0
    for one, other in product(range(40), repeat=2):
        first, second = formula(seeded(one), 1, bound=True), formula(seeded(other), 1, bound=True)
        if Conditions().settles(first, Truth.TRUE, second, Truth.TRUE) is not True:
            continue
        settled += 1
        for facts in RESOURCES:
            if evaluate(first, facts) is Truth.TRUE:
                assert evaluate(second, facts) is Truth.TRUE, (one, other)
    assert settled > 40
