"""Attributes of people, as the policy declares them: what it does not declare would decide nothing.

Called by whatever sets attributes of accounts from outside.
"""

from collections.abc import Callable, Mapping

from pacsgate.model.errors import RequestError
from pacsgate.model.subject import Attributes, Scalar
from pacsgate.policy.ir import Scope, ValueType
from pacsgate.policy.policy import Policy


def check_attributes(policy: Policy, attributes: Attributes) -> None:
    """Raise `RequestError` for an attribute that is not declared, or a value that is not of its type."""
    found = (declaration.attribute for declaration in policy.declarations.values())
    declared = {attribute.name: attribute.type for attribute in found if attribute.scope is Scope.USER}
    for name, values in attributes.items():
        if name not in declared:
            raise RequestError(
                "the policy declares no such attribute of a user; `attributes` of its file would"
            )
        if not all(_FITS[declared[name]](value) for value in values):
            raise RequestError(f"`user.{name}` holds values of the type {declared[name]}")


def _is_date(value: Scalar) -> bool:
    return isinstance(value, str) and len(value) == 8 and value.isascii() and value.isdigit()


_FITS: Mapping[ValueType, Callable[[Scalar], bool]] = {
    ValueType.STRING: lambda value: isinstance(value, str),
    ValueType.SET: lambda value: isinstance(value, str),
    ValueType.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.DATE: _is_date,
}
