"""Conjunctions and disjunctions of Cedar expressions, and how they are laid out.

Called by `conditions` and `export`.

Invariants:
- what cannot change a result is not written: `true` in a conjunction, `false` in a disjunction.
"""

from dataclasses import dataclass

_WIDTH = 100
"""Longer lines are broken at the operators."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Two or more expressions joined by `&&` or `||`."""

    word: str
    parts: tuple["Expression", ...]


Expression = str | Joined
"""A text without an operator at its top, or several of them joined."""


def both(*parts: Expression) -> Expression:
    """A conjunction."""
    return _join("&&", parts, neutral="true", settles="false")


def either(*parts: Expression) -> Expression:
    """A disjunction."""
    return _join("||", parts, neutral="false", settles="true")


def negated(expression: Expression) -> Expression:
    """The negation of what is always known, guards included."""
    match expression:
        case "true":
            return "false"
        case "false":
            return "true"
        case _:
            return f"!({flat(expression)})"


def flat(expression: Expression) -> str:
    """The text in one line."""
    if isinstance(expression, str):
        return expression
    return f" {expression.word} ".join(map(_bracketed, expression.parts))


def layout(expression: Expression, depth: int = 0) -> str:
    """The text, over several lines if it is long."""
    if isinstance(expression, str) or _fits(expression, depth):
        return flat(expression)
    parts = (_part(part, depth) for part in expression.parts)
    return f" {expression.word}\n{_margin(depth)}".join(parts)


def _join(word: str, parts: tuple[Expression, ...], *, neutral: str, settles: str) -> Expression:
    kept: dict[Expression, None] = {}
    for part in parts:
        if part == settles:
            return settles
        if part != neutral:
            inner = part.parts if isinstance(part, Joined) and part.word == word else (part,)
            kept.update(dict.fromkeys(inner))
    return next(iter(kept)) if len(kept) == 1 else Joined(word, tuple(kept)) if kept else neutral


def _part(part: Expression, depth: int) -> str:
    if isinstance(part, str) or _fits(part, depth):
        return _bracketed(part)
    return f"(\n{_margin(depth + 1)}{layout(part, depth + 1)}\n{_margin(depth)})"


def _bracketed(part: Expression) -> str:
    return part if isinstance(part, str) else f"({flat(part)})"


def _fits(expression: Expression, depth: int) -> bool:
    return len(_margin(depth)) + len(flat(expression)) <= _WIDTH


def _margin(depth: int) -> str:
    return "  " * depth
