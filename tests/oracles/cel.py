"""A condition in CEL, whose own errors are the third outcome.

CEL evaluates both sides of `&&` and `||` and lets an error pass only where the other side does not settle the
matter, which is Kleene's logic.  So a condition is written as it stands; only an atom is guarded: one that is
neither true of all values nor false of all reads an attribute that is not there.
"""

import re
from collections.abc import Mapping
from typing import Any, assert_never

from cel_expr_python import cel

from pacsgate.model.subject import Attributes, Scalar
from pacsgate.policy.ir import (
    And,
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

UNKNOWN = "env.__nothing"
"""Reading it is an error."""
_RECORD = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
ENVIRONMENT = cel.NewEnv(
    variables={**{scope.value: _RECORD for scope in Scope}, "of_series": cel.Type.BOOL},
)


def outcome(formula: Formula, scopes: Mapping[Scope, Attributes], *, of_series: bool) -> Truth:
    """What CEL makes of a condition."""
    expression = ENVIRONMENT.compile(text(formula))
    data: dict[str, Any] = {scope.value: _record(attributes) for scope, attributes in scopes.items()}
    answer = expression.eval(data={**data, "of_series": of_series})
    if answer.type() == cel.Type.ERROR:
        return Truth.UNKNOWN
    return Truth.TRUE if answer.value() else Truth.FALSE


def _record(attributes: Attributes) -> dict[str, list[Scalar]]:
    """Each attribute as a list of its values; every number a double, as every literal is."""
    return {
        name: [float(value) if type(value) is int else value for value in values]
        for name, values in attributes.items()
    }


def text(formula: Formula) -> str:
    """The CEL text of a condition."""
    match formula:
        case Const(Truth.UNKNOWN):
            return UNKNOWN
        case Const(truth):
            return "true" if truth is Truth.TRUE else "false"
        case Not(inner):
            return f"!({text(inner)})"
        case And(formulas):
            return " && ".join(f"({text(part)})" for part in formulas) or "true"
        case Or(formulas):
            return " || ".join(f"({text(part)})" for part in formulas) or "false"
        case Compare() | OneOf() | Contains() | Like() | Has():
            atom = _atom(formula)
            return f"of_series ? ({atom}) : {UNKNOWN}" if formula.attribute.scope is Scope.SERIES else atom
        case _:
            assert_never(formula)


def _atom(atom: Compare | OneOf | Contains | Like | Has) -> str:
    match atom:
        case Has(attribute):
            if attribute.scope in (Scope.USER, Scope.ENV):
                return f"has({attribute})" if attribute.type is ValueType.SET else _is_known(attribute)
            is_there = "true" if attribute.type is ValueType.SET else f"size({attribute}) > 0"
            return f"has({attribute}) ? {is_there} : {UNKNOWN}"
        case Contains(attribute, element):
            if isinstance(element, Attribute):
                return _agreed(f"has({attribute}) && {_is_known(element)}", element, f"v in {attribute}")
            return f"has({attribute}) ? {_literal(element)} in {attribute} : {UNKNOWN}"
        case OneOf(attribute, options):
            if isinstance(options, Attribute):
                known = f"{_is_known(attribute)} && has({options})"
                return _agreed(known, attribute, f"v in {options}")
            listed = ", ".join(sorted(map(_literal, options)))
            return _agreed(_is_known(attribute), attribute, f"v in [{listed}]")
        case Like(attribute, pattern):
            return _agreed(_is_known(attribute), attribute, f"v.matches({_literal(_regular(pattern))})")
        case Compare(attribute, op, operand):
            if isinstance(operand, Attribute):
                known = f"{_is_known(attribute)} && {_is_known(operand)}"
                return (
                    f"!({known}) ? {UNKNOWN} : "
                    f"{attribute}.all(v, {operand}.all(w, v {op} w)) ? true : "
                    f"{attribute}.exists(v, {operand}.exists(w, v {op} w)) ? {UNKNOWN} : false"
                )
            return _agreed(_is_known(attribute), attribute, f"v {op} {_literal(operand)}")
        case _:
            assert_never(atom)


def _is_known(attribute: Attribute) -> str:
    return f"(has({attribute}) && size({attribute}) > 0)"


def _agreed(known: str, about: Attribute, holds: str) -> str:
    """True of all values, false of all, or an error."""
    return (
        f"!({known}) ? {UNKNOWN} : {about}.all(v, {holds}) ? true : "
        f"{about}.exists(v, {holds}) ? {UNKNOWN} : false"
    )


def _literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + "".join(f"\\U{ord(character):08x}" for character in value) + "'"
    return repr(float(value))


def _regular(pattern: str) -> str:
    """An asterisk is any run of characters; all else is itself."""
    return r"(?s)\A" + ".*".join(map(_escaped, pattern.split("*"))) + r"\z"


def _escaped(part: str) -> str:
    return "".join(re.escape(character) if character.isascii() else character for character in part)
