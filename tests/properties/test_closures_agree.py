"""Four ways to read a condition give one outcome."""

from hypothesis import given, settings

from pacsgate.policy.binding import bind_formula, only_true
from pacsgate.policy.closures import when
from pacsgate.policy.environment import environment_attributes, user_attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.findings import Witness, attributes_of
from pacsgate.policy.ir import Const, Formula, Scope, Truth
from pacsgate.policy.language.conditions import read_condition
from pacsgate.policy.language.problems import Position, Problems
from pacsgate.policy.language.yaml_text import TextNode
from pacsgate.policy.reference_truth import truth_of
from pacsgate.policy.show import show
from pacsgate.policy.truth import evaluate
from tests.properties.formulas import formulas
from tests.properties.vocabulary import VOCABULARY
from tests.properties.worlds import World, worlds

NAMES = {str(attribute): attribute for attribute in VOCABULARY}


def readings(world: World, formula: Formula):
    """Each resource with the bound formula and what the reference makes of the unbound one."""
    user, env = (
        user_attributes(world.subject),
        environment_attributes(world.subject, world.context, world.policy),
    )
    bound = bind_formula(formula, user, env)
    for facts in (*world.resources, *(ResourceFacts(study.facts) for study in world.studies)):
        scopes = {
            Scope.STUDY: facts.study,
            Scope.SERIES: facts.series or {},
            Scope.USER: user,
            Scope.ENV: env,
        }
        meant = truth_of(
            formula,
            lambda attribute, scopes=scopes: scopes[attribute.scope].get(attribute.name),
            of_series=facts.series is not None,
        )
        yield facts, bound, meant


@settings(deadline=None)
@given(worlds(), formulas())
def test_binding_keeps_the_outcome(world: World, formula: Formula) -> None:
    for facts, bound, meant in readings(world, formula):
        assert evaluate(bound, facts) is meant


@settings(deadline=None)
@given(worlds(), formulas())
def test_closures_say_when_a_formula_is_true_and_when_it_is_false(world: World, formula: Formula) -> None:
    for facts, bound, meant in readings(world, formula):
        assert when(bound, Truth.TRUE)(facts) is (meant is Truth.TRUE)
        assert when(bound, Truth.FALSE)(facts) is (meant is Truth.FALSE)


@settings(deadline=None)
@given(worlds(), formulas())
def test_what_remains_of_a_formula_is_true_where_the_formula_is(world: World, formula: Formula) -> None:
    for facts, bound, meant in readings(world, formula):
        remaining = only_true(bound)
        assert (evaluate(remaining, facts) is Truth.TRUE) is (meant is Truth.TRUE)
        assert remaining != Const(Truth.UNKNOWN)
        assert "unknown" not in show(remaining)


@settings(deadline=None)
@given(formulas())
def test_a_bound_formula_names_no_attribute_of_user_or_environment(formula: Formula) -> None:
    bound = bind_formula(formula, {}, {})
    assert all(attribute.scope in (Scope.STUDY, Scope.SERIES) for attribute in attributes_of(bound))


@settings(deadline=None)
@given(formulas())
def test_what_is_shown_of_a_formula_is_read_as_that_formula(formula: Formula) -> None:
    problems = Problems()
    node = TextNode(show(formula), plain=True, position=Position("t", 1, 1), raw=show(formula))
    assert read_condition(node, NAMES, problems) == formula
    assert problems.found == []


@settings(deadline=None)
@given(worlds(max_studies=2), formulas())
def test_findings_name_something_exactly_when_there_is_something(world: World, formula: Formula) -> None:
    user, env = (
        user_attributes(world.subject),
        environment_attributes(world.subject, world.context, world.policy),
    )
    for facts, _, meant in readings(world, formula):
        witness = Witness(user, env, facts)
        assert bool(witness.lacking(formula)) is (meant is not Truth.TRUE)
        assert bool(witness.supporting(formula)) is (meant is not Truth.FALSE)
