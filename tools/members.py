"""Reads what code says about its own lists: the members of an enumeration or the fields of a class, with the
docstring under each, which Python itself does not keep.

Called by `reference`.
"""

import ast
import inspect
import textwrap
from enum import Enum


def docstrings_below(cls: type) -> dict[str, str]:
    """Returns, for each name assigned in the body of `cls`, the string that stands below it."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"`{cls.__name__}` is not defined by a class statement")
    found: dict[str, str] = {}
    for statement, below in zip(definition.body, definition.body[1:], strict=False):
        match statement, below:
            case (
                (ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                found[name] = inspect.cleandoc(text)
    return found


def described(enumeration: type[Enum]) -> list[tuple[str, str]]:
    """Returns each member's value with its docstring; a member without one is an error."""
    texts = docstrings_below(enumeration)
    missing = [member.name for member in enumeration if member.name not in texts]
    if missing:
        raise ValueError(f"`{enumeration.__name__}` does not explain {', '.join(missing)}")
    return [(str(member.value), texts[member.name]) for member in enumeration]
