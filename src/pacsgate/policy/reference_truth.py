"""The outcome of a condition that is not bound, read straight from the definition in `ir`.

The second opinion on `truth`, `binding` and `closures`, of which it imports nothing:
every attribute, whoever's it is, is looked up when it is met, and an atom
with two attributes is asked of every pair of their values.

Called by `reference` alone.

Invariants:
- an outcome here equals `evaluate(bind_formula(condition, …), facts)`.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any, assert_never

from pacsgate.model.subject import Scalar, Values
from pacsgate.policy.ir import (
    FILTERS,
    FILTERS_ASKED,
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

Lookup = Callable[[Attribute], Values | None]
"""The values of any attribute, the user's and the environment's included; `None` when its name is absent."""


def truth_of(formula: Formula, look: Lookup, *, of_series: bool) -> Truth:
    """The outcome of a condition; `of_series` tells whether the question is about a series."""
    match formula:
        case Const(truth):
            return truth
        case Not(inner):
            return opposite(truth_of(inner, look, of_series=of_series))
        case And(formulas):
            return all_true([truth_of(part, look, of_series=of_series) for part in formulas])
        case Or(formulas):
            return any_true(truth_of(part, look, of_series=of_series) for part in formulas)
        case Compare() | OneOf() | Contains() | Like() | Has():
            if formula.attribute.scope is Scope.SERIES and not of_series:
                return Truth.UNKNOWN
            return _atom(formula, look)
        case _:
            assert_never(formula)


def _atom(atom: Atom, look: Lookup) -> Truth:
    values = look(atom.attribute)
    match atom:
        case Has(attribute):
            if values is None:
                is_resource = attribute.scope in (Scope.STUDY, Scope.SERIES)
                return Truth.UNKNOWN if is_resource else Truth.FALSE
            if attribute.type is ValueType.SET:
                return Truth.TRUE
            return Truth.TRUE if values else Truth.FALSE
        case Contains(_, element):
            elements = _operand(element, look)
            if values is None:
                return Truth.UNKNOWN
            asked = look(FILTERS_ASKED) or () if atom.attribute == FILTERS else elements
            return agreed(
                [
                    None
                    if _ill(one, ValueType.STRING) or not (one in asked or one in values)
                    else one in values
                    for one in elements
                ]
            )
        case Compare(attribute, op, operand):
            return agreed(
                [
                    None
                    if _ill(left, attribute.type) or _ill(right, attribute.type)
                    else _compare(op, left, right)
                    for left, right in product(values or (), _operand(operand, look))
                ]
            )
        case OneOf(attribute, options):
            allowed = look(options) if isinstance(options, Attribute) else options
            if allowed is None:
                return Truth.UNKNOWN
            return agreed(
                [None if _ill(value, attribute.type) else value in allowed for value in values or ()]
            )
        case Like(attribute, pattern):
            return agreed(
                [
                    None if _ill(value, attribute.type) else _like(str(value), pattern)
                    for value in values or ()
                ]
            )
        case _:
            assert_never(atom)


def _operand(operand: Scalar | Attribute, look: Lookup) -> Values:
    if isinstance(operand, Attribute):
        return look(operand) or frozenset()
    return frozenset({operand})


def agreed(outcomes: Sequence[bool | None]) -> Truth:
    """True of all, false of all, or `UNKNOWN`; `None` stands for a value that cannot be read."""
    if outcomes and all(one is True for one in outcomes):
        return Truth.TRUE
    if outcomes and all(one is False for one in outcomes):
        return Truth.FALSE
    return Truth.UNKNOWN


def _ill(value: Any, value_type: ValueType) -> bool:
    """Whether a value is not of the type that its attribute was declared with."""
    if value_type is ValueType.NUMBER:
        return type(value) not in (int, float) or not -(2**53) <= value <= 2**53
    return type(value) is not (bool if value_type is ValueType.BOOLEAN else str)


def _compare(op: Comparison, left: Any, right: Any) -> bool:
    """One comparison of two values of the same type, from equality and order."""
    table: dict[Comparison, bool] = {
        Comparison.EQ: left == right,
        Comparison.NE: left != right,
        Comparison.LT: left < right,
        Comparison.LE: left < right or left == right,
        Comparison.GT: right < left,
        Comparison.GE: right < left or left == right,
    }
    return table[op]


def _like(text: str, pattern: str) -> bool:
    """By the definition: an asterisk takes nothing, or one character and then again."""
    reachable = {0}
    for character in pattern:
        if character == "*":
            reachable = set(range(min(reachable, default=len(text) + 1), len(text) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(text) and text[at] == character}
    return len(text) in reachable


def opposite(truth: Truth) -> Truth:
    """Kleene's negation, as a table."""
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[truth]


def all_true(truths: Iterable[Truth]) -> Truth:
    """Kleene's conjunction."""
    found = set(truths)
    if Truth.FALSE in found:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.TRUE


def any_true(truths: Iterable[Truth]) -> Truth:
    """Kleene's disjunction."""
    found = set(truths)
    if Truth.TRUE in found:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in found else Truth.FALSE
