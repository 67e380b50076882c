"""User attributes as an administrator types them, read by the types that the policy declares.

Called by `users`.

Invariants:
- an attribute that no policy declares is refused: nothing could tell a number
  from a text, and a typing error would silently deny.
"""

import difflib
from collections.abc import Iterable

from pacsgate.model.errors import SettingsError
from pacsgate.model.subject import Attributes, Scalar
from pacsgate.policy.ir import Scope, ValueType
from pacsgate.policy.policy import Policy

_BOOLEANS = {"true": True, "false": False}


def read_attributes(pairs: Iterable[str], policy: Policy | None) -> Attributes:
    """Read `name=value` pairs; a name given twice holds both values."""
    declared = {} if policy is None else _declared(policy)
    values: dict[str, set[Scalar]] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise SettingsError(f"`{pair}` is not of the form `name=value`")
        if name not in declared:
            raise SettingsError(f"the policy does not declare `user.{name}`{_suggestion(name, declared)}")
        values.setdefault(name, set()).add(_scalar(name, text, declared[name]))
    return {name: frozenset(held) for name, held in values.items()}


def _declared(policy: Policy) -> dict[str, ValueType]:
    attributes = (declaration.attribute for declaration in policy.declarations.values())
    return {attribute.name: attribute.type for attribute in attributes if attribute.scope is Scope.USER}


def _suggestion(name: str, declared: Iterable[str]) -> str:
    known = sorted(declared)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f" (did you mean `{near[0]}`?)"
    return f" (it declares {', '.join(f'`{each}`' for each in known)})" if known else ""


def _scalar(name: str, text: str, kind: ValueType) -> Scalar:
    wrong = SettingsError(f"`{text}` is not a {kind} for `user.{name}`")
    match kind:
        case ValueType.NUMBER:
            try:
                number = float(text)
            except ValueError:
                raise wrong from None
            return int(number) if number.is_integer() else number
        case ValueType.BOOLEAN:
            if text not in _BOOLEANS:
                raise wrong
            return _BOOLEANS[text]
        case ValueType.DATE:
            if len(text) != len("YYYYMMDD") or not (text.isascii() and text.isdigit()):
                raise wrong
            return text
        case ValueType.STRING | ValueType.SET:
            return text
