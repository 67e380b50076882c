"""Where in a population a condition holds for somebody: the condition as a function from subjects to sets.

Binding puts a subject's values into a condition one comparison at a time, and connectives pass it on.  So
each comparison is bound and asked of the population once for each set of values that anybody brings to it,
and for every further subject a condition costs a look-up for each of its comparisons.

Called by `kind_sets`.

Invariants:
- `where(f, wanted)(user, env)` is `population.parts(bind_formula(f, user, env), wanted)`.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_
from typing import assert_never

from pacsgate.model.subject import Attributes
from pacsgate.policy.binding import bind_formula
from pacsgate.policy.branches import typed
from pacsgate.policy.findings import attributes_of
from pacsgate.policy.ir import (
    And,
    Atom,
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
)
from pacsgate.policy.population import NOWHERE, Bounds, Population
from pacsgate.policy.truth import negation

Where = Callable[[Attributes, Attributes], Bounds]
"""The parts on which something holds for somebody with these attributes, in this environment."""


class ConditionSets:
    """Conditions over one population."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._atoms: dict[tuple[Atom, Truth], Where] = {}

    def where(self, condition: Formula, wanted: Truth) -> Where:
        """Where a condition has this outcome (`TRUE` or `FALSE`)."""
        match condition:
            case Const():
                constant = self._population.parts(condition, wanted)
                return lambda _user, _env: constant
            case Not(inner):
                return self.where(inner, negation(wanted))
            case And(formulas) | Or(formulas):
                parts = [self.where(part, wanted) for part in formulas]
                if isinstance(condition, And) is (wanted is Truth.TRUE):
                    everything = self._population.everything
                    return lambda user, env: reduce(and_, (part(user, env) for part in parts), everything)
                return lambda user, env: reduce(or_, (part(user, env) for part in parts), NOWHERE)
            case Compare() | OneOf() | Contains() | Like() | Has():
                known = self._atoms.get((condition, wanted))
                if known is None:
                    known = self._atoms[condition, wanted] = self._atom(condition, wanted)
                return known
            case _:
                assert_never(condition)

    def _atom(self, atom: Atom, wanted: Truth) -> Where:
        named = {(each.scope, each.name) for each in attributes_of(atom)}
        of_user = tuple(sorted(name for scope, name in named if scope is Scope.USER))
        of_environment = tuple(sorted(name for scope, name in named if scope is Scope.ENV))
        population, sets = self._population, dict[object, Bounds]()

        def where(user: Attributes, env: Attributes) -> Bounds:
            read = (*map(user.get, of_user), *map(env.get, of_environment))
            key = tuple(map(typed, read))
            known = sets.get(key)
            if known is None:
                known = sets[key] = population.parts(bind_formula(atom, user, env), wanted)
            return known

        if of_user or of_environment:
            return where
        constant = population.parts(atom, wanted)
        return lambda _user, _env: constant
