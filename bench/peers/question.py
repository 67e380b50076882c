"""A question as every engine is asked it: plain values under `study`, `user` and `env`.

Called by the modules beside it.
"""

from dataclasses import dataclass
from typing import Any

from pacsgate.model.actions import Action
from pacsgate.model.subject import Attributes
from pacsgate.policy.ir import Attribute, Compare, Contains, Formula, OneOf, Scope, ValueType
from pacsgate.policy.policy import Policy


@dataclass(frozen=True)
class Question:
    """Who asks, with which roles; for what, of which study; and our verdict."""

    roles: frozenset[str]
    action: Action
    attributes: dict[Scope, Attributes]
    allowed: bool

    def plain(self, policy: Policy) -> dict[str, dict[str, Any]]:
        """The attributes that the policy's rules name, each as a value, or a list for a set."""
        found: dict[str, dict[str, Any]] = {scope.value: {} for scope in Scope}
        for attribute in sorted(policy.named):
            values = self.attributes[attribute.scope].get(attribute.name)
            if attribute.type is ValueType.SET and values is not None:
                found[attribute.scope][attribute.name] = sorted(values)
            elif values:
                (found[attribute.scope][attribute.name],) = values
        return found


def conjuncts(formula: Formula) -> tuple[Formula, ...]:
    """The atoms of a rule of this workload: a conjunction, or one atom."""
    parts = getattr(formula, "formulas", (formula,))
    for part in parts:
        if not isinstance(part, Compare | OneOf | Contains):
            raise TypeError(f"the workload has no {part}")
    return tuple(parts)


def operands(atom: Formula) -> tuple[Attribute, str, object]:
    """An atom as left side, operator and right side, as most languages write it."""
    match atom:
        case Compare(about, op, operand):
            return about, op.value, operand
        case OneOf(about, options):
            return about, "in", options
        case _:
            raise TypeError(f"no comparison of a value: {atom}")
