"""The names and values in a condition.

Called by `conditions`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lark import Token, Tree

from pacsgate.model.subject import Scalar
from pacsgate.policy.calendar import date_days_ago, days_ago
from pacsgate.policy.ir import Attribute, Scope, ValueType
from pacsgate.policy.language.problems import did_you_mean, listed, quoted
from pacsgate.policy.values import number_from

AGE = Attribute(Scope.STUDY, "age", ValueType.NUMBER)
"""Days since the StudyDate.  Conditions are written with it and read without it."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out, with the tree that it was read from."""

    value: Scalar
    tree: "Tree[Token]"


class RefusedError(Exception):
    """A piece of a condition cannot be read; never leaves the reading of one comparison."""

    def __init__(self, tree: "Tree[Token]", message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.tree = tree
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Terms:
    """Reads what stands beside an operator: a declared attribute or a value."""

    attributes: Mapping[str, Attribute]

    def side(self, tree: "Tree[Token]") -> Attribute | Literal:
        """An attribute or a value; a list is neither."""
        match tree.data:
            case "reference":
                return self.attribute(tree)
            case "string":
                return Literal(self.string(tree), tree)
            case "boolean":
                return Literal(tree.children[0] == "true", tree)
            case "number":
                return Literal(self.number(tree), tree)
            case _:
                raise RefusedError(tree, "a list stands only to the right of `in`")

    def attribute(self, tree: "Tree[Token]") -> Attribute:
        """The attribute that a reference names."""
        return self.named(".".join(str(token) for token in tree.children), tree)

    def named(self, name: str, tree: "Tree[Token]") -> Attribute:
        """The attribute of this name."""
        found = self.attributes.get(name)
        if found is not None:
            return found
        if name == str(AGE):
            return AGE
        scope, _, short = name.partition(".")
        days = days_ago(short) if scope == Scope.ENV else None
        if days is not None:
            return date_days_ago(days)
        scopes = [f"{scope}." for scope in Scope]
        hint = did_you_mean(name, self.attributes)
        if hint is None and not name.startswith(tuple(scopes)):
            hint = f"names begin with {listed(scopes)}"
        raise RefusedError(tree, f"unknown attribute {quoted(name)}", hint or "declare it under `attributes`")

    def string(self, tree: "Tree[Token]") -> str:
        """A string without its quotes and escapes."""
        written = str(tree.children[0])[1:-1]
        for escaped in _ESCAPE.findall(written):
            if escaped not in "\\'\"":
                hint = r"there are `\\`, `\'` and `\"`"
                raise RefusedError(tree, f"no escape {quoted(chr(92) + escaped)} in strings", hint)
        return _ESCAPE.sub(r"\1", written)

    def number(self, tree: "Tree[Token]") -> int | float:
        """A number; whole ones are integers."""
        written = str(tree.children[0])
        value = number_from(written)
        if value is None:
            raise RefusedError(tree, f"{quoted(written)} is too large a number")
        return value


def parts(tree: "Tree[Token]") -> "list[Tree[Token]]":
    """The children of a tree that has no bare tokens."""
    return [as_tree(child) for child in tree.children]


def as_tree(child: "Tree[Token] | Token") -> "Tree[Token]":
    """A child that the grammar never leaves a bare token."""
    if isinstance(child, Token):
        raise TypeError("the grammar wraps every token that has a meaning")
    return child
