"""A constraint as SQL: the same meaning as `pacsgate.policy.truth`, over the index's tables.

Each formula has two translations.  `T` holds where its outcome is `TRUE` and `F`
where it is `FALSE`; where neither holds it is `UNKNOWN`.  Kleene's connectives
become `T(!f) = F(f)`, `T(f && g) = T(f) AND T(g)`, `F(f && g) = F(f) OR F(g)` and
their mirror images; SQL's `NOT` is applied to no subformula.

An atom on facts is about the *values* that a row's access class holds.  For a
scalar, `T` is "some value is good and none is bad", `F` "some value is bad and
none is good"; a value of another type is neither good nor bad and spoils both.
So a row for which nothing is known satisfies neither: every `NOT IN` stands
beside an `IN` that a missing row fails.  The one atom that a missing value makes
false is `Has`, as `policy.ir` says; it is paired with the labels that every
study's class knows.

Called by `admission`.

Invariants:
- every translation is two-valued: nothing it compares is nullable;
- `tests/properties/test_sql_agrees.py` holds it against `truth.evaluate`.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, assert_never

from sqlalchemy import Column, and_, false, not_, or_, select, true
from sqlalchemy.sql.elements import ColumnElement, Grouping

from pacsgate.model.subject import Scalar
from pacsgate.policy.ir import (
    LABELS,
    And,
    Atom,
    Attribute,
    Compare,
    Comparison,
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
from pacsgate.policy.values import fits
from pacsgate.stores.dialects import Flavour, member, wildcard
from pacsgate.stores.schema import Kind, class_fact, series, study

Sql = ColumnElement[bool]

COMPARISONS: Mapping[Comparison, Callable[[Any, Any], Sql]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}

KEY_COLUMNS: Mapping[tuple[Scope, str], Column[str]] = {
    (Scope.STUDY, "uid"): study.c.study_instance_uid,
    (Scope.STUDY, "patient_id"): study.c.patient_key,
    (Scope.SERIES, "uid"): series.c.series_instance_uid,
}
"""Attributes that are always known, with one value, in a column of the row itself."""

CLASS_COLUMNS: Mapping[Scope, ColumnElement[int]] = {
    Scope.STUDY: study.c.class_pk,
    Scope.SERIES: series.c.class_pk,
}
"""Where each scope's facts hang.  An attribute of the user or environment that was not bound is missing."""

KINDS: Mapping[ValueType, Kind] = {
    ValueType.STRING: Kind.TEXT,
    ValueType.DATE: Kind.TEXT,
    ValueType.SET: Kind.TEXT,
    ValueType.NUMBER: Kind.NUMBER,
    ValueType.BOOLEAN: Kind.BOOLEAN,
}
"""As which kind of row a value of each type is kept."""

_REMEMBERED = 500
"""Translations kept in memory: about as many as there are subjects at a time."""

_WIDEST = 100
"""SQLite parses a chain of ORs as a tree as deep as the chain, and takes at most 1,000."""


def uses_series(formula: Formula) -> bool:
    """Whether the formula can tell the series of one study apart."""
    match formula:
        case Const():
            return False
        case Not(inner):
            return uses_series(inner)
        case And(formulas) | Or(formulas):
            return any(uses_series(part) for part in formulas)
        case Compare() | OneOf() | Contains() | Like() | Has():
            return formula.attribute.scope is Scope.SERIES
        case _:
            assert_never(formula)


@lru_cache(maxsize=_REMEMBERED)
def by_reach(formula: Formula) -> tuple[Formula, Formula]:
    """The formula as two that must both be `TRUE`: what is alike for all series of a study, and the rest."""
    parts = formula.formulas if isinstance(formula, And) else (formula,)
    of_study = tuple(part for part in parts if not uses_series(part))
    of_series = tuple(part for part in parts if uses_series(part))
    return And(of_study), And(of_series)


def sole_scope(formula: Formula) -> Scope | None:
    """The scope whose facts alone settle the formula, if there is one: then a class settles it."""
    scopes = _reach(formula)
    return next(iter(scopes)) if len(scopes) == 1 else None


def _reach(formula: Formula) -> frozenset[Scope | None]:
    """Whose facts the formula is about; `None` stands for what a class does not know of its rows."""
    match formula:
        case Const():
            return frozenset()
        case Not(inner):
            return _reach(inner)
        case And(formulas) | Or(formulas):
            return frozenset().union(*map(_reach, formulas))
        case Compare() | OneOf() | Contains() | Like() | Has():
            scope, name = formula.attribute.scope, formula.attribute.name
            # What a series lacks is weighed together with its study (see `_has`).
            beyond = isinstance(formula, Has) and scope is Scope.SERIES
            of_class = scope in CLASS_COLUMNS and (scope, name) not in KEY_COLUMNS and not beyond
            return frozenset({scope if of_class else None})
        case _:
            assert_never(formula)


Decided = Callable[[Formula, Truth, Scope], Sql | None]
"""Answers for a part that is about the facts of one scope only, or `None` if it is to be written out."""


@dataclass(frozen=True, slots=True)
class Translation:
    """From formulas to conditions on rows whose classes are in these columns."""

    tenant: str
    flavour: Flavour
    class_columns: Mapping[Scope, ColumnElement[int]]
    decided: Decided | None = None

    def where(self, formula: Formula, outcome: Truth) -> Sql:
        """Where the formula has this outcome: `T` for `TRUE`, `F` for `FALSE`."""
        scope = None if self.decided is None else sole_scope(formula)
        if self.decided is not None and scope is not None:
            answer = self.decided(formula, outcome, scope)
            if answer is not None:
                return answer
        return self._written(formula, outcome)

    def _written(self, formula: Formula, outcome: Truth) -> Sql:
        match formula:
            case Const(truth):
                return true() if truth is outcome else false()
            case Not(inner):
                return self.where(inner, _OPPOSITE[outcome])
            case And(formulas):
                parts = self._each(And, formulas, outcome)
                return _joined(_ALL if outcome is Truth.TRUE else _ANY, parts)
            case Or(formulas):
                parts = self._each(Or, formulas, outcome)
                return _joined(_ANY if outcome is Truth.TRUE else _ALL, parts)
            case Compare() | OneOf() | Contains() | Like() | Has():
                return self._atom(formula, outcome)
            case _:
                assert_never(formula)

    def _each(
        self, join: Callable[[tuple[Formula, ...]], Formula], formulas: tuple[Formula, ...], outcome: Truth
    ) -> list[Sql]:
        """Each part; several about one scope's facts are one part, so that they may be decided at once."""
        groups: dict[Scope, list[Formula]] = {}
        parts: list[Formula] = []
        for formula in formulas:
            scope = None if self.decided is None else sole_scope(formula)
            if scope is None:
                parts.append(formula)
            else:
                groups.setdefault(scope, []).append(formula)
        for group in groups.values():
            # Where all are of one scope, they were offered as a whole already, and not decided.
            parts.extend(group if len(group) == len(formulas) else [join(tuple(group))])
        return [self.where(formula, outcome) for formula in parts]

    def _atom(self, atom: Atom, outcome: Truth) -> Sql:
        key = KEY_COLUMNS.get((atom.attribute.scope, atom.attribute.name))
        if key is not None:
            return self._on_key(key, atom, outcome)
        match atom:
            case Has(attribute):
                return self._has(attribute, outcome)
            case Contains(attribute, element):
                return self._contains(attribute, element, outcome)
            case Compare() | OneOf() | Like():
                return self._of_every_value(atom, outcome)
            case _:
                assert_never(atom)

    def _on_key(self, column: Column[str], atom: Atom, outcome: Truth) -> Sql:
        match atom:
            case Has():
                holds: Sql | None = true()
            case Contains(_, element):
                holds = None if isinstance(element, Attribute) else column == element
            case Compare() | OneOf() | Like():
                holds = self._good(column, atom) if KINDS[atom.attribute.type] is Kind.TEXT else None
            case _:
                assert_never(atom)
        if holds is None:
            return false()
        return holds if outcome is Truth.TRUE else not_(holds)

    def _has(self, attribute: Attribute, outcome: Truth) -> Sql:
        if attribute.scope not in self.class_columns:
            return false()
        held = class_fact.c.kind == Kind.KNOWN if attribute.type is ValueType.SET else _IS_VALUE
        if outcome is Truth.TRUE:
            return self._some(attribute, held)
        return and_(self._some(LABELS, class_fact.c.kind == Kind.KNOWN), self._none(attribute, held))

    def _contains(self, attribute: Attribute, element: str | Attribute, outcome: Truth) -> Sql:
        if isinstance(element, Attribute) or attribute.scope not in self.class_columns:
            return false()
        inside = and_(class_fact.c.kind == Kind.TEXT, class_fact.c.text == element)
        if outcome is Truth.TRUE:
            return self._some(attribute, inside)
        return and_(self._some(attribute, class_fact.c.kind == Kind.KNOWN), self._none(attribute, inside))

    def _of_every_value(self, atom: Compare | OneOf | Like, outcome: Truth) -> Sql:
        kind = KINDS[atom.attribute.type]
        holds = self._good(class_fact.c.text if kind is Kind.TEXT else class_fact.c.number, atom)
        if holds is None or atom.attribute.scope not in self.class_columns:
            return false()
        wanted = and_(class_fact.c.kind == kind, holds if outcome is Truth.TRUE else not_(holds))
        return and_(
            self._some(atom.attribute, wanted), self._none(atom.attribute, and_(_IS_VALUE, not_(wanted)))
        )

    def _good(self, column: ColumnElement[Any], atom: Compare | OneOf | Like) -> Sql | None:
        """Whether the value in a column satisfies the atom; `None` if nothing can be said of any value."""
        match atom:
            case Compare(attribute, op, operand):
                if isinstance(operand, Attribute) or not fits(operand, attribute.type):
                    return None
                return COMPARISONS[op](column, operand if isinstance(operand, str) else float(operand))
            case OneOf(attribute, options):
                return None if isinstance(options, Attribute) else self._one_of(column, attribute, options)
            case Like(attribute, pattern):
                is_text = KINDS[attribute.type] is Kind.TEXT
                return wildcard(self.flavour, column, pattern, one=False) if is_text else None
            case _:
                assert_never(atom)

    def _one_of(self, column: ColumnElement[Any], attribute: Attribute, options: frozenset[Scalar]) -> Sql:
        if KINDS[attribute.type] is Kind.TEXT:
            texts = sorted(option for option in options if isinstance(option, str))
            return member(self.flavour, column, texts)
        numbers = {
            float(option)
            for option in options
            # To Python `True` is 1, so a set that holds one holds the other.
            if isinstance(option, bool) or (not isinstance(option, str) and fits(option, ValueType.NUMBER))
        }
        return column.in_(sorted(numbers)) if numbers else false()

    def _some(self, attribute: Attribute, condition: Sql) -> Sql:
        return self.class_columns[attribute.scope].in_(self._classes(attribute, condition))

    def _none(self, attribute: Attribute, condition: Sql) -> Sql:
        return self.class_columns[attribute.scope].not_in(self._classes(attribute, condition))

    def _classes(self, attribute: Attribute, condition: Sql) -> Any:
        return select(class_fact.c.class_pk).where(
            class_fact.c.tenant == self.tenant, class_fact.c.attribute == attribute.name, condition
        )


_IS_VALUE = class_fact.c.kind != Kind.KNOWN
_OPPOSITE = {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE}
_ALL = (and_, true())
_ANY = (or_, false())


class _Parenthesis(Grouping[bool]):
    """Parentheses that stay: SQLAlchemy dissolves a group of the same operator as the one around it."""

    inherit_cache = True
    operator = None


def _joined(how: tuple[Callable[..., Sql], Sql], parts: list[Sql]) -> Sql:
    join, neutral = how
    while len(parts) > _WIDEST:
        parts = [_Parenthesis(join(*parts[at : at + _WIDEST])) for at in range(0, len(parts), _WIDEST)]
    return join(neutral, *parts)
