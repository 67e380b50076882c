"""A condition in Cedar: when it is true, and when it is false.

Cedar has two outcomes and skips a policy that runs into an error, which for a
forbid is to let it pass.  So each condition is written as the one question that is
asked of it, with every access guarded: what is missing makes both questions false.

An attribute may hold several values, and Cedar cannot walk through a set.  A
scalar is therefore a record of the `least`, the `greatest` and all `values`: a
comparison is true of all values if it is true of the outermost.

Called by `export`.

Invariants:
- the text of `holds(f, TRUE)` is true in Cedar exactly where `f` is `TRUE`, and
  likewise for `FALSE`, but for what `Notes` says; there it is false, and so never
  permits and never spares from a forbid;
- no access can fail.
"""

from dataclasses import dataclass, field
from typing import assert_never

from pacsgate.model.subject import Scalar
from pacsgate.policy.cedar.expressions import Expression, both, either
from pacsgate.policy.cedar.literals import literal, member, name, string
from pacsgate.policy.ir import (
    And,
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
from pacsgate.policy.show import show
from pacsgate.policy.truth import negation

PLACES = {
    Scope.STUDY: "resource.study",
    Scope.SERIES: "resource.series",
    Scope.USER: "principal.user",
    Scope.ENV: "context.env",
}
"""Where the attributes of each scope are found; `study.department` is `resource.study.department`."""

_SWAPPED = {
    Comparison.NE: Comparison.EQ,
    Comparison.GT: Comparison.LE,
    Comparison.GE: Comparison.LT,
}
"""Comparisons that are true when another is false."""
_DECIMAL_METHODS = {
    "<": "lessThan",
    "<=": "lessThanOrEqual",
    ">": "greaterThan",
    ">=": "greaterThanOrEqual",
}


@dataclass(slots=True)
class Notes:
    """What could not be said, a sentence each."""

    sentences: dict[str, None] = field(default_factory=dict)

    def add(self, sentence: str) -> None:
        """Note something once."""
        self.sentences[sentence] = None


def holds(formula: Formula, wanted: Truth, notes: Notes) -> Expression:
    """The question whether a condition is `wanted` (`TRUE` or `FALSE`)."""
    match formula:
        case Const(truth):
            return "true" if truth is wanted else "false"
        case Not(inner):
            return holds(inner, negation(wanted), notes)
        case And(formulas):
            parts = (holds(part, wanted, notes) for part in formulas)
            return both(*parts) if wanted is Truth.TRUE else either(*parts)
        case Or(formulas):
            parts = (holds(part, wanted, notes) for part in formulas)
            return either(*parts) if wanted is Truth.TRUE else both(*parts)
        case Has(attribute):
            return known(attribute) if wanted is Truth.TRUE else _lacks(attribute)
        case Contains(attribute, element):
            return _contains(attribute, element, wanted)
        case Compare(attribute, op, operand):
            return _compare(formula, attribute, op, operand, wanted, notes)
        case OneOf(attribute, options):
            return _one_of(formula, attribute, options, wanted, notes)
        case Like(attribute, text):
            return _like(attribute, text, wanted, notes)
        case _:
            assert_never(formula)


def known(attribute: Attribute) -> Expression:
    """The guard before an access."""
    return both(_asked(attribute), _has(attribute))


def _asked(attribute: Attribute) -> str:
    """Of a study as such nothing is known about series."""
    return "resource has series" if attribute.scope is Scope.SERIES else "true"


def _has(attribute: Attribute) -> str:
    return f"{PLACES[attribute.scope]} has {name(attribute.name)}"


def _lacks(attribute: Attribute) -> Expression:
    """It was looked for and is not there.  For what is of the user or the environment nobody looks later."""
    if attribute.scope in {Scope.USER, Scope.ENV}:
        return f"!({_has(attribute)})"
    if attribute.type is ValueType.SET:
        return "false"
    return both(
        _asked(attribute), f"!({_has(attribute)})", f"resource.read.contains({string(str(attribute))})"
    )


def _at(attribute: Attribute) -> str:
    return member(PLACES[attribute.scope], attribute.name)


def _values(attribute: Attribute) -> str:
    """All values; a `SET` is one already."""
    return _at(attribute) if attribute.type is ValueType.SET else f"{_at(attribute)}.values"


def _contains(attribute: Attribute, element: "str | Attribute", wanted: Truth) -> Expression:
    held = _at(attribute)
    if isinstance(element, Attribute):
        guards = both(known(attribute), known(element))
        asked = f"{held}.containsAll({_values(element)})"
        avoided = f"!{held}.containsAny({_values(element)})"
    else:
        guards = known(attribute)
        asked = f"{held}.contains({literal(element, ValueType.SET)})"
        avoided = f"!{asked}"
    return both(guards, asked if wanted is Truth.TRUE else avoided)


def _one_of(
    formula: Formula,
    attribute: Attribute,
    options: "frozenset[Scalar] | Attribute",
    wanted: Truth,
    notes: Notes,
) -> Expression:
    values = _values(attribute)
    if isinstance(options, Attribute):
        guards, listed = both(known(attribute), known(options)), _values(options)
    else:
        written = sorted(literal(option, attribute.type) or "" for option in options)
        if "" in written:
            return _unsayable(formula, notes)
        guards, listed = known(attribute), f"[{', '.join(written)}]"
    asked = f"{listed}.containsAll({values})" if wanted is Truth.TRUE else f"!{listed}.containsAny({values})"
    return both(guards, asked)


def _like(attribute: Attribute, text: str, wanted: Truth, notes: Notes) -> Expression:
    if attribute.scope is not Scope.ENV:
        notes.add(
            f"`{attribute}` is compared with a pattern: where three or more values of it differ, the "
            "comparison neither permits nor spares"
        )
    at = _at(attribute)  # `*` is the one wildcard of both languages
    no = "" if wanted is Truth.TRUE else "!"
    ends = (f"{no}({at}.{end} like {string(text)})" for end in ("least", "greatest"))
    return both(known(attribute), *ends, f"[{at}.least, {at}.greatest].containsAll({at}.values)")


def _compare(
    formula: Formula,
    about: Attribute,
    op: Comparison,
    operand: "Scalar | Attribute",
    wanted: Truth,
    notes: Notes,
) -> Expression:
    if op in _SWAPPED:
        op, wanted = _SWAPPED[op], negation(wanted)
    left = _at(about)
    if isinstance(operand, Attribute):
        guards, right = both(known(about), known(operand)), _at(operand)
        least, greatest = f"{right}.least", f"{right}.greatest"
        differs = f"!{left}.values.containsAny({right}.values)"
    else:
        written = literal(operand, about.type)
        if written is None:
            return _unsayable(formula, notes)
        guards, least, greatest = known(about), written, written
        differs = f"!{left}.values.contains({written})"
    is_true = wanted is Truth.TRUE
    match op:
        case Comparison.EQ if is_true:
            one = f"{least} == {greatest}" if least != greatest else "true"
            return both(guards, one, f"{left}.least == {least}", f"{left}.greatest == {least}")
        case Comparison.EQ:
            return both(guards, differs)
        case Comparison.LT | Comparison.LE if is_true:
            return both(guards, _ordered(about, f"{left}.greatest", op.value, least))
        case Comparison.LT:
            return both(guards, _ordered(about, f"{left}.least", ">=", greatest))
        case Comparison.LE:
            return both(guards, _ordered(about, f"{left}.least", ">", greatest))
        case _:
            raise ValueError(f"{op} is written as its opposite")


def _ordered(attribute: Attribute, left: str, op: str, right: str) -> str:
    if attribute.type is ValueType.NUMBER:
        return f"{left}.{_DECIMAL_METHODS[op]}({right})"
    return f"{left} {op} {right}"


def _unsayable(formula: Formula, notes: Notes) -> str:
    notes.add(
        f"`{show(formula)}`: Cedar's decimal has four places and fifteen digits before them; "
        "the comparison neither permits nor spares"
    )
    return "false"
