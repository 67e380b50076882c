"""What a formula means: its outcome on the facts of one resource.

This is the definition that `ir` puts into words, in the plainest form that can
be run.  `closures` says the same faster and `pacsgate.stores.constraint_sql` in
SQL; both are tested against it.

Called by `constraint`, `binding` and `explain`.

Invariants:
- total: every formula has an outcome on every facts; nothing is raised.  An atom on
  the user or the environment that was not bound is `UNKNOWN`.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, assert_never

from pacsgate.model.subject import Scalar, Values
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import (
    And,
    Atom,
    Attribute,
    Compare,
    Comparison,
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
from pacsgate.policy.values import fits

COMPARISONS: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}


def evaluate(formula: Formula, facts: ResourceFacts) -> Truth:
    """The outcome of a bound formula on one study, or on one series with its study."""
    match formula:
        case Const(truth):
            return truth
        case Not(inner):
            return negation(evaluate(inner, facts))
        case And(formulas):
            return conjunction(evaluate(part, facts) for part in formulas)
        case Or(formulas):
            return negation(conjunction(negation(evaluate(part, facts)) for part in formulas))
        case Compare() | OneOf() | Contains() | Like() | Has():
            return _atom_on_facts(formula, facts)
        case _:
            assert_never(formula)


def _atom_on_facts(atom: Atom, facts: ResourceFacts) -> Truth:
    match atom.attribute.scope:
        case Scope.STUDY:
            return outcome(atom, facts.study.get(atom.attribute.name))
        case Scope.SERIES:
            if (
                facts.series is None
            ):  # of a study as such nothing is known about series, not even what they lack
                return Truth.UNKNOWN
            return outcome(atom, facts.series.get(atom.attribute.name))
        case Scope.USER | Scope.ENV:
            return Truth.UNKNOWN
        case _:
            assert_never(atom.attribute.scope)


def outcome(atom: Atom, values: Values | None) -> Truth:
    """The outcome of one atom on the values its attribute holds; `None` when the name is absent."""
    match atom:
        case Has(attribute):
            if values is None:
                return Truth.UNKNOWN
            return _two_valued(attribute.type is ValueType.SET or bool(values))
        case Contains(_, element):
            if values is None or isinstance(element, Attribute):
                return Truth.UNKNOWN
            return _two_valued(element in values)
        case Compare(attribute, op, operand):
            if isinstance(operand, Attribute) or not fits(operand, attribute.type):
                return Truth.UNKNOWN
            compare = COMPARISONS[op]
            return _of_every_value(attribute, values, lambda value: compare(value, operand))
        case OneOf(attribute, options):
            if isinstance(options, Attribute):
                return Truth.UNKNOWN
            return _of_every_value(attribute, values, lambda value: value in options)
        case Like(attribute, pattern):
            return _of_every_value(attribute, values, lambda value: like(str(value), pattern))
        case _:
            assert_never(atom)


def _of_every_value(attribute: Attribute, values: Values | None, holds: Callable[[Scalar], bool]) -> Truth:
    return agreement(
        _two_valued(holds(value)) if fits(value, attribute.type) else Truth.UNKNOWN for value in values or ()
    )


def agreement(outcomes: Iterable[Truth]) -> Truth:
    """What all outcomes say; `UNKNOWN` when they differ or there are none."""
    distinct = set(outcomes)
    return distinct.pop() if len(distinct) == 1 else Truth.UNKNOWN


def negation(truth: Truth) -> Truth:
    """Kleene's `not`."""
    return Truth(-truth.value)


def conjunction(truths: Iterable[Truth]) -> Truth:
    """Kleene's `and`: the least of all outcomes; of none, `TRUE`."""
    return min(truths, key=lambda truth: truth.value, default=Truth.TRUE)


def like(text: str, pattern: str) -> bool:
    """Whether the whole text matches a pattern in which `*` stands for any run of characters.

    Each fixed part is taken at its leftmost place, which can only leave more
    room for the parts after it; so the time is bounded by length times length.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in rest:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _two_valued(holds: bool) -> Truth:  # noqa: FBT001 - the outcome itself, not an option
    return Truth.TRUE if holds else Truth.FALSE


def held(attribute: Attribute, facts: ResourceFacts) -> Values | None:
    """The values that an attribute of a study or series holds; `None` when its name is absent."""
    return (facts.study if attribute.scope is Scope.STUDY else facts.series or {}).get(attribute.name)
