"""Conditions on instance filters as a rule writes them: with the query, where the formula has its identifier.

Called by `findings`, for explanations, and by `foreign.native_text`.
"""

from collections.abc import Mapping

from pacsgate.model.subject import Values
from pacsgate.policy.instance_query.tree import InstanceQuery, canonical
from pacsgate.policy.ir import FILTERS, And, Attribute, Contains, Formula, Not, Or

Filters = Mapping[str, InstanceQuery]
"""The instance filters of a policy, by their identifier."""


def written_out(condition: Formula, filters: Filters) -> Formula:
    """The condition with every query written out; not for evaluation."""
    match condition:
        case Contains(attribute, str() as filter_id) if attribute == FILTERS and filter_id in filters:
            return Contains(FILTERS, canonical(filters[filter_id]))
        case Not(inner):
            return Not(written_out(inner, filters))
        case And(parts):
            return And(tuple(written_out(part, filters) for part in parts))
        case Or(parts):
            return Or(tuple(written_out(part, filters) for part in parts))
        case _:
            return condition


def values_written_out(attribute: Attribute, values: Values | None, filters: Filters) -> Values | None:
    """What an attribute holds, likewise."""
    if values is None or attribute != FILTERS:
        return values
    return frozenset(canonical(filters[str(each)]) if each in filters else each for each in values)
