"""A formula as its author would write it.

Called by `explain` and `examine`, and by tests, which read back what is shown.

Invariants:
- reading what is shown of a formula that was read gives that formula again.
"""

from typing import assert_never

from pacsgate.model.subject import Scalar, Values
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
)


def show(formula: Formula) -> str:
    """The text of a condition."""
    match formula:
        case Const(truth):
            return truth.name.lower()
        case Not(inner):
            return f"!({show(inner)})"
        case And(formulas):
            return " && ".join(_inner(part) for part in formulas) or "true"
        case Or(formulas):
            return " || ".join(_inner(part) for part in formulas) or "false"
        case Compare() | OneOf() | Contains() | Like() | Has():
            return _show_atom(formula)
        case _:
            assert_never(formula)


def _show_atom(atom: Atom) -> str:
    match atom:
        case Compare(attribute, op, operand):
            return f"{attribute} {op} {_operand(operand)}"
        case OneOf(attribute, options):
            return f"{attribute} in {options if isinstance(options, Attribute) else _list(options)}"
        case Contains(attribute, element):
            return f"{_operand(element)} in {attribute}"
        case Like(attribute, pattern):
            return f"{attribute}.like({show_value(pattern)})"
        case Has(attribute):
            return f"has({attribute})"
        case _:
            assert_never(atom)


def _inner(formula: Formula) -> str:
    return f"({show(formula)})" if isinstance(formula, And | Or) else show(formula)


def _list(options: Values) -> str:
    return f"[{', '.join(sorted(show_value(option) for option in options))}]"


def _operand(operand: Scalar | Attribute) -> str:
    return str(operand) if isinstance(operand, Attribute) else show_value(operand)


def show_value(value: Scalar) -> str:
    """A value as a literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return str(value)


def show_values(values: Values | None, *, is_set: bool = False) -> str:
    """What an attribute holds, as an explanation says it."""
    if is_set and values is not None:
        return f"{{{', '.join(sorted(show_value(value) for value in values))}}}"
    if not values:
        return "missing"
    return " and ".join(sorted(show_value(value) for value in values))
