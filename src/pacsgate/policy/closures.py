"""A bound formula as plain Python functions: the same meaning as `truth`, several times faster.

A decision asks of each formula only whether it is `TRUE`, or whether it is
`FALSE`.  Both questions have two outcomes, and each passes through the
connectives unchanged (`!f` is true when `f` is false; a conjunction is false when
some part is).  So a formula becomes one function per question and no third value
is ever handled.

Called by `engine`.

Invariants:
- `when(f, Truth.TRUE)(facts)` is true exactly when `evaluate(f, facts) is Truth.TRUE`,
  and likewise for `FALSE`; tests/properties/test_closures_agree.py asks both.
"""

from collections.abc import Callable
from typing import assert_never

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    And,
    Atom,
    Attribute,
    Compare,
    Const,
    Contains,
    Formula,
    Has,
    Like,
    Not,
    OneOf,
    Or,
    Scope,
    Truth,
    ValueType,
)
from pacsgate.policy.truth import COMPARISONS, like, negation
from pacsgate.policy.values import fits

Test = Callable[[ResourceFacts], bool]
ValuesTest = Callable[[Values | None], bool]


def when(formula: Formula, wanted: Truth) -> Test:
    """A function that tells whether the formula is `wanted` (`TRUE` or `FALSE`) of the facts it is given."""
    match formula:
        case Const(truth):
            return _always if truth is wanted else _never
        case Not(inner):
            return when(inner, negation(wanted))
        case And(formulas):
            parts = tuple(when(part, wanted) for part in formulas)
            return _every(parts) if wanted is Truth.TRUE else _some(parts)
        case Or(formulas):
            parts = tuple(when(part, wanted) for part in formulas)
            return _some(parts) if wanted is Truth.TRUE else _every(parts)
        case Compare() | OneOf() | Contains() | Like() | Has():
            return _on_facts(formula.attribute, _values_test(formula, wanted))
        case _:
            assert_never(formula)


def _always(_: ResourceFacts) -> bool:
    return True


def _never(_: ResourceFacts) -> bool:
    return False


def _every(parts: tuple[Test, ...]) -> Test:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) and second(facts)

    def test(facts: ResourceFacts) -> bool:
        for part in parts:  # noqa: SIM110 - a loop starts faster than a generator, and this runs per decision
            if not part(facts):
                return False
        return True

    return test


def _some(parts: tuple[Test, ...]) -> Test:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) or second(facts)

    def test(facts: ResourceFacts) -> bool:
        for part in parts:  # noqa: SIM110 - as above
            if part(facts):
                return True
        return False

    return test


def _on_facts(attribute: Attribute, test: ValuesTest) -> Test:
    name = attribute.name
    match attribute.scope:
        case Scope.STUDY:
            return lambda facts: test(facts.study.get(name))
        case Scope.SERIES:

            def of_series(facts: ResourceFacts) -> bool:
                series: Attributes | None = facts.series
                return series is not None and test(series.get(name))

            return of_series
        case Scope.USER | Scope.ENV:
            return _never
        case _:
            assert_never(attribute.scope)


def _values_test(atom: Atom, wanted: Truth) -> ValuesTest:
    expected = wanted is Truth.TRUE
    match atom:
        case Has(attribute):
            is_set = attribute.type is ValueType.SET
            return lambda values: values is not None and (is_set or bool(values)) is expected
        case Contains(_, element):
            if isinstance(element, Attribute):
                return _unreadable
            return lambda values: values is not None and (element in values) is expected
        case Compare(attribute, op, operand):
            if isinstance(operand, Attribute) or not fits(operand, attribute.type):
                return _unreadable
            compare = COMPARISONS[op]
            return _of_every_value(attribute, lambda value: compare(value, operand) is expected)
        case OneOf(attribute, options):
            if isinstance(options, Attribute):
                return _unreadable
            return _of_every_value(attribute, lambda value: (value in options) is expected)
        case Like(attribute, pattern):
            return _of_every_value(attribute, lambda value: like(str(value), pattern) is expected)
        case _:
            assert_never(atom)


def _unreadable(_: Values | None) -> bool:
    return False


def _of_every_value(attribute: Attribute, holds: Callable[[Scalar], bool]) -> ValuesTest:
    value_type = attribute.type

    def test(values: Values | None) -> bool:
        if not values:
            return False
        for value in values:  # noqa: SIM110 - as above
            if not (fits(value, value_type) and holds(value)):
                return False
        return True

    return test
