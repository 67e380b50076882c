"""A CEL runtime, asked each condition with CEL's own logic of errors, finds the outcome that we find."""

from collections import Counter
from collections.abc import Iterator

import pytest

from pacsgate.policy import truth
from pacsgate.policy.binding import bind_formula
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Comparison, Formula, Scope, Truth
from tests.oracles import cel
from tests.properties import formulas, worlds
from tests.properties.coverage import FORMULAS, Coverage

QUICK = range(120)
LONG = range(1000, 3000)
"""Five outcomes or more each."""


def question(seed: int) -> tuple[worlds.World, Formula]:
    random = worlds.seeded(seed)
    return worlds.world(seed, rules=1), formulas.formula(random, depth=seed % 4)


def differences(seeds: range, coverage: Coverage, outcomes: Counter[Truth]) -> Iterator[str]:
    """One line for each outcome that CEL sees otherwise."""
    for seed in seeds:
        world, formula = question(seed)
        coverage.add_formula(formula)
        user = user_attributes(world.subject)
        env = environment_attributes(world.subject, world.context, world.policy)
        bound = bind_formula(formula, user, env)
        for facts in (*world.resources, *(ResourceFacts(study.facts) for study in world.studies)):
            scopes = {
                Scope.STUDY: facts.study,
                Scope.SERIES: facts.series or {},
                Scope.USER: user,
                Scope.ENV: env,
            }
            ours = truth.evaluate(bound, facts)
            theirs = cel.outcome(formula, scopes, of_series=facts.series is not None)
            outcomes[ours] += 1
            if ours is not theirs:
                yield f"question {seed}: ours {ours}, CEL's {theirs}: {cel.text(formula)}"


def test_cel_finds_the_same_outcomes() -> None:
    assert list(differences(QUICK, Coverage(), Counter())) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_cel_finds_the_same_outcomes_ten_thousand_times(capsys: pytest.CaptureFixture[str]) -> None:
    coverage, outcomes = Coverage(), Counter[Truth]()
    assert list(differences(LONG, coverage, outcomes)) == []
    coverage.show("asked of CEL", capsys)
    assert outcomes.total() >= 10_000
    assert all(count / outcomes.total() > 0.1 for count in outcomes.values()), outcomes
    coverage.require(FORMULAS, at_least=20)


def _order_is_turned(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(truth.COMPARISONS, Comparison.LT, truth.COMPARISONS[Comparison.LE])


def _case_does_not_count(patch: pytest.MonkeyPatch) -> None:
    like = truth.like
    patch.setattr(truth, "like", lambda text, pattern: like(text.lower(), pattern.lower()))


def _missing_is_false(patch: pytest.MonkeyPatch) -> None:
    agreement = truth.agreement

    def of_none_false(outcomes):
        found = list(outcomes)
        return agreement(found) if found else Truth.FALSE

    patch.setattr(truth, "agreement", of_none_false)


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", [_order_is_turned, _case_does_not_count, _missing_is_false], ids=lambda fault: fault.__name__[1:]
)
def test_a_fault_in_the_meaning_is_noticed(fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    assert next(differences(range(4000), Coverage(), Counter()), None)
