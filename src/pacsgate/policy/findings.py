"""Which comparisons in a condition decided, and what they saw.

Two questions about one formula.  `lacking`: it does not hold; what is the least
that would have to be otherwise?  `supporting`: it is not false; what makes it so?
The first is asked of permits, the second of forbids.

Called by `explain`; `examine` asks which attributes a condition names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from pacsgate.model.subject import Attributes, Values
from pacsgate.policy.binding import bind_formula, complement
from pacsgate.policy.facts import ResourceFacts
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
    Scope,
    Truth,
    ValueType,
)
from pacsgate.policy.show import show, show_values
from pacsgate.policy.truth import evaluate, held, negation
from pacsgate.policy.written_out import Filters, values_written_out, written_out


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition that decided, and the values it saw."""

    condition: str
    seen: str

    def __str__(self) -> str:
        return f"{self.condition} ({self.seen})" if self.seen else self.condition


@dataclass(frozen=True, slots=True)
class Witness:
    """Reads conditions on one resource as one subject meets it."""

    user: Attributes
    env: Attributes
    facts: ResourceFacts
    filters: Filters = field(default_factory=dict)

    def outcome(self, formula: Formula) -> Truth:
        """The outcome of a condition that is not bound."""
        return evaluate(bind_formula(formula, self.user, self.env), self.facts)

    def lacking(self, formula: Formula, wanted: Truth = Truth.TRUE) -> tuple[Finding, ...]:
        """The fewest comparisons that keep the formula from being as wanted."""
        if self.outcome(formula) is wanted:
            return ()
        match formula:
            case Not(inner):
                return self.lacking(inner, negation(wanted))
            case And(formulas) | Or(formulas):
                parts = [self.lacking(part, wanted) for part in formulas]
                needs_all = isinstance(formula, And) is (wanted is Truth.TRUE)
                return _together(parts) if needs_all else min(parts, key=len, default=())
            case _:
                return (self._finding(formula if wanted is Truth.TRUE else complement(formula)),)

    def supporting(self, formula: Formula, avoided: Truth = Truth.FALSE) -> tuple[Finding, ...]:
        """The comparisons by which the formula is not what it is asked to avoid being."""
        if self.outcome(formula) is avoided:
            return ()
        match formula:
            case Not(inner):
                return self.supporting(inner, negation(avoided))
            case And(formulas) | Or(formulas):
                return _together([self.supporting(part, avoided) for part in formulas])
            case _:
                return (self._finding(formula if avoided is Truth.FALSE else complement(formula)),)

    def _finding(self, formula: Formula) -> Finding:
        seen = (f"{attribute} is {self._shown(attribute)}" for attribute in attributes_of(formula))
        return Finding(show(written_out(formula, self.filters)), ", ".join(seen))

    def _shown(self, attribute: Attribute) -> str:
        values = self._values(attribute)
        if values is None and attribute.scope in {Scope.STUDY, Scope.SERIES}:
            return "not known yet"
        values = values_written_out(attribute, values, self.filters)
        return show_values(values, is_set=attribute.type is ValueType.SET)

    def _values(self, attribute: Attribute) -> Values | None:
        match attribute.scope:
            case Scope.USER:
                return self.user.get(attribute.name)
            case Scope.ENV:
                return self.env.get(attribute.name)
            case Scope.STUDY | Scope.SERIES:
                return held(attribute, self.facts)


def _together(parts: list[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(finding for part in parts for finding in part))


def atoms_of(formula: Formula) -> Iterator[Atom]:
    """Every comparison in a condition."""
    match formula:
        case Const():
            return
        case Not(inner):
            yield from atoms_of(inner)
        case And(formulas) | Or(formulas):
            for part in formulas:
                yield from atoms_of(part)
        case Compare() | OneOf() | Contains() | Like() | Has():
            yield formula
        case _:
            assert_never(formula)


def attributes_of(formula: Formula) -> Iterator[Attribute]:
    """Every attribute that a condition names."""
    for atom in atoms_of(formula):
        yield atom.attribute
        match atom:
            case Compare(_, _, Attribute() as operand):
                yield operand
            case OneOf(_, Attribute() as operand) | Contains(_, Attribute() as operand):
                yield operand
            case _:
                pass
