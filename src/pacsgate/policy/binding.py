"""A formula with who asks and when filled in, and what can be settled settled.

Binding replaces each attribute of the user and the environment by its values.
A subject may hold several values of one attribute; an atom then is true if it is
true for all of them, false if it is false for all, and `UNKNOWN` otherwise,
exactly as for a study whose instances disagree.

Called by `engine`.

Invariants:
- for every facts, the bound formula has the outcome that the original has with
  the user's and the environment's attributes taken as facts;
- a bound formula names attributes of studies and series only;
- `only_true` keeps exactly the facts on which its argument is `TRUE`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.ir import (
    FALSE,
    FILTERS,
    FILTERS_ASKED,
    TRUE,
    UNKNOWN,
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
from pacsgate.policy.truth import agreement, negation, outcome
from pacsgate.policy.values import fits


def bind_formula(formula: Formula, user: Attributes, env: Attributes) -> Formula:
    """Fill in the attributes of the user and the environment, and simplify."""
    match formula:
        case Const():
            return formula
        case Not(inner):
            return complement(bind_formula(inner, user, env))
        case And(formulas):
            return all_of(*_until(FALSE, formulas, user, env))
        case Or(formulas):
            return any_of(*_until(TRUE, formulas, user, env))
        case Compare() | OneOf() | Contains() | Like() | Has():
            return _bind_atom(formula, user, env)
        case _:
            assert_never(formula)


def _until(
    settling: Const, formulas: tuple[Formula, ...], user: Attributes, env: Attributes
) -> Iterator[Formula]:
    """Each formula bound, up to the first that settles them all."""
    for formula in formulas:
        bound = bind_formula(formula, user, env)
        yield bound
        if bound == settling:
            return


def _bind_atom(atom: Atom, user: Attributes, env: Attributes) -> Formula:
    readings = tuple(_with_literal_operand(atom, user, env))
    if atom.attribute.scope in (Scope.STUDY, Scope.SERIES):
        return _agreement_formula(tuple(map(_if_asked, readings)))
    values = _held(atom.attribute, user, env)
    if isinstance(atom, Has):
        # What is not known of who asks is not there: nobody will look for it later.
        is_there = values is not None if atom.attribute.type is ValueType.SET else bool(values)
        return TRUE if is_there else FALSE
    return Const(
        agreement(
            reading.truth if isinstance(reading, Const) else outcome(reading, values) for reading in readings
        )
    )


def _with_literal_operand(atom: Atom, user: Attributes, env: Attributes) -> Iterator[Atom | Const]:
    """The atom once for each value of its operand; none when the operand is missing."""
    match atom:
        case Compare(_, _, Attribute() as operand):
            for value in _held(operand, user, env) or ():
                yield replace(atom, operand=value) if fits(value, operand.type) else UNKNOWN
        case Contains(_, Attribute() as element):
            for value in _held(element, user, env) or ():
                yield replace(atom, element=str(value)) if fits(value, element.type) else UNKNOWN
        case OneOf(_, Attribute() as options):
            values = _held(options, user, env)
            if values is not None:
                yield replace(atom, options=_elements(values))
        case Compare() | OneOf() | Contains() | Like() | Has():
            yield atom
        case _:
            assert_never(atom)


def _if_asked(reading: Atom | Const) -> Formula:
    """The same, but that an instance filter spares nothing of which it is not known whether it matches.

    Instances that came under another policy hold the answers to its filters alone.
    """
    match reading:
        case Contains(attribute, str() as filter_id) if attribute == FILTERS:
            asked = Contains(FILTERS_ASKED, filter_id)
            return any_of(reading, all_of(UNKNOWN, Not(asked)))
        case _:
            return reading


def _elements(values: Values) -> frozenset[Scalar]:
    return frozenset(value for value in values if fits(value, ValueType.SET))


def _held(attribute: Attribute, user: Attributes, env: Attributes) -> Values | None:
    return (user if attribute.scope is Scope.USER else env).get(attribute.name)


def _agreement_formula(readings: tuple[Formula, ...]) -> Formula:
    """`TRUE` when all are, `FALSE` when all are, `UNKNOWN` otherwise (and of none)."""
    if len(readings) == 1:
        return readings[0]
    if not readings:
        return UNKNOWN
    return any_of(all_of(*readings), all_of(UNKNOWN, any_of(*readings)))


def all_of(*formulas: Formula) -> Formula:
    """A conjunction, flattened, without what cannot change it."""
    parts: dict[Formula, None] = {}
    for formula in formulas:
        for part in formula.formulas if isinstance(formula, And) else (formula,):
            if part == FALSE:
                return FALSE
            if part != TRUE:
                parts[part] = None
    return next(iter(parts)) if len(parts) == 1 else And(tuple(parts)) if parts else TRUE


def any_of(*formulas: Formula) -> Formula:
    """A disjunction, flattened, without what cannot change it."""
    parts: dict[Formula, None] = {}
    for formula in formulas:
        for part in formula.formulas if isinstance(formula, Or) else (formula,):
            if part == TRUE:
                return TRUE
            if part != FALSE:
                parts[part] = None
    return next(iter(parts)) if len(parts) == 1 else Or(tuple(parts)) if parts else FALSE


def complement(formula: Formula) -> Formula:
    """A negation, without double negation."""
    match formula:
        case Const(truth):
            return Const(negation(truth))
        case Not(inner):
            return inner
        case _:
            return Not(formula)


def only_true(formula: Formula) -> Formula:
    """A formula without `UNKNOWN` that is `TRUE` on exactly the same facts.

    Where a conjunct is settled as `UNKNOWN` the whole can never be `TRUE`; this
    is what makes it visible, before any resource is looked at, that a permit
    can give nothing.
    """
    return _only(formula, Truth.TRUE)


def _only(formula: Formula, wanted: Truth) -> Formula:
    """A formula that is as `wanted` on the facts where the given one is, and never by way of `UNKNOWN`."""
    unreachable = Const(negation(wanted))
    match formula:
        case Const(Truth.UNKNOWN):
            return unreachable
        case Not(inner):
            return complement(_only(inner, negation(wanted)))
        case And(formulas):
            return all_of(*(_only(part, wanted) for part in formulas))
        case Or(formulas):
            return any_of(*(_only(part, wanted) for part in formulas))
        case Const() | Compare() | OneOf() | Contains() | Like() | Has():
            return formula
        case _:
            assert_never(formula)
