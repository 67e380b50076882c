"""A constraint as SQL: the same meaning as `pacsgate.policy.truth`, over the index's tables.

Each formula has two translations.  `T` holds where its outcome is `TRUE` and `F`
where it is `FALSE`; where neither holds it is `UNKNOWN`.  Kleene's connectives
become `T(!f) = F(f)`, `T(f && g) = T(f) AND T(g)`, `F(f && g) = F(f) OR F(g)` and
their mirror images; SQL's `NOT` is applied to no subformula.

An atom on facts is about the *values* that a row's access class holds, or the row
itself where the class says so.  For a
scalar, `T` is "some value is good and none is bad", `F` "some value is bad and
none is good"; a value of another type is neither good nor bad and spoils both.
So a row for which nothing is known satisfies neither: every `NOT IN` stands
beside an `IN` that a missing row fails.  The one atom that a missing value makes
false is `Has`, as `policy.ir` says, where the attribute's name is known.

Called by `specials`, for what kinds do not settle.

Invariants:
- every translation is two-valued: nothing it compares is nullable;
- `tests/properties/test_sql_agrees.py` holds it against `truth.evaluate`.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from sqlalchemy import and_, case, false, literal, not_, or_, select, true
from sqlalchemy.sql.elements import ColumnElement, Grouping

from pacsgate.model.subject import Scalar
from pacsgate.policy.ir import (
    STUDY_DATE,
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
from pacsgate.stores.kinds import IN_ROWS
from pacsgate.stores.schema import Form, access_kind, class_fact, series, study, study_value

Sql = ColumnElement[bool]

COMPARISONS: Mapping[Comparison, Callable[[Any, Any], Sql]] = {
    Comparison.EQ: operator.eq,
    Comparison.NE: operator.ne,
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}

_PATIENT_KEY = case(
    (
        or_(study.c.issuer_of_patient_id != "", study.c.patient_id.like("%|%")),
        study.c.issuer_of_patient_id + "|" + study.c.patient_id,
    ),
    else_=study.c.patient_id,
)
"""As `model.resource.patient_key` spells it."""

KEY_COLUMNS: Mapping[tuple[Scope, str], ColumnElement[str]] = {
    (Scope.STUDY, "uid"): study.c.study_instance_uid,
    (Scope.STUDY, "patient_id"): _PATIENT_KEY,
    (Scope.SERIES, "uid"): series.c.series_instance_uid,
}
"""Attributes that are always known, with one value, in the row itself."""

CLASS_COLUMNS: Mapping[Scope, ColumnElement[int]] = {
    Scope.STUDY: access_kind.c.class_pk,
    Scope.SERIES: series.c.class_pk,
}
"""Where each scope's facts hang.  An attribute of the user or environment that was not bound is missing."""

FORMS: Mapping[ValueType, Form] = {
    ValueType.STRING: Form.TEXT,
    ValueType.DATE: Form.TEXT,
    ValueType.SET: Form.TEXT,
    ValueType.NUMBER: Form.NUMBER,
    ValueType.BOOLEAN: Form.BOOLEAN,
}
"""As which kind of row a value of each type is kept."""

_WIDEST = 100
"""SQLite parses a chain of ORs as a tree as deep as the chain, and takes at most 1,000."""


@dataclass(frozen=True, slots=True)
class Translation:
    """From formulas to conditions on `study` joined with its kind (`access_kind`) and its `series`."""

    tenant: str
    flavour: Flavour
    in_rows: frozenset[str] = frozenset()
    """The attributes of which some studies have values of their own."""

    def where(self, formula: Formula, outcome: Truth) -> Sql:
        """Where the formula has this outcome: `T` for `TRUE`, `F` for `FALSE`."""
        match formula:
            case Const(truth):
                return true() if truth is outcome else false()
            case Not(inner):
                return self.where(inner, _OPPOSITE[outcome])
            case And(formulas):
                parts = [self.where(part, outcome) for part in formulas]
                return _joined(_ALL if outcome is Truth.TRUE else _ANY, parts)
            case Or(formulas):
                parts = [self.where(part, outcome) for part in formulas]
                return _joined(_ANY if outcome is Truth.TRUE else _ALL, parts)
            case Compare() | OneOf() | Contains() | Like() | Has():
                return self._atom(formula, outcome)
            case _:
                assert_never(formula)

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

    def _on_key(self, column: ColumnElement[str], atom: Atom, outcome: Truth) -> Sql:
        match atom:
            case Has():
                holds: Sql | None = true()
            case Contains(_, element):
                holds = None if isinstance(element, Attribute) else column == element
            case Compare() | OneOf() | Like():
                holds = self._good(column, atom) if FORMS[atom.attribute.type] is Form.TEXT else None
            case _:
                assert_never(atom)
        if holds is None:
            return false()
        return holds if outcome is Truth.TRUE else not_(holds)

    def _has(self, attribute: Attribute, outcome: Truth) -> Sql:
        if attribute.scope not in CLASS_COLUMNS:
            return false()
        known = self._some(attribute, lambda row: row.form == Form.KNOWN)
        if attribute.type is ValueType.SET:
            return known if outcome is Truth.TRUE else false()
        held = self._some(attribute, _is_value)
        return held if outcome is Truth.TRUE else and_(known, not_(held))

    def _contains(self, attribute: Attribute, element: str | Attribute, outcome: Truth) -> Sql:
        if isinstance(element, Attribute) or attribute.scope not in CLASS_COLUMNS:
            return false()
        inside = self._some(attribute, lambda row: and_(row.form == Form.TEXT, row.text == element))
        if outcome is Truth.TRUE:
            return inside
        return and_(self._some(attribute, lambda row: row.form == Form.KNOWN), not_(inside))

    def _of_every_value(self, atom: Compare | OneOf | Like, outcome: Truth) -> Sql:
        form = FORMS[atom.attribute.type]
        if self._good(class_fact.c.text, atom) is None or atom.attribute.scope not in CLASS_COLUMNS:
            return false()

        def wanted(row: _Held) -> Sql:
            holds = self._good(row.text if form is Form.TEXT else row.number, atom)
            if holds is None:
                return false()
            return and_(row.form == form, holds if outcome is Truth.TRUE else not_(holds))

        return and_(
            self._some(atom.attribute, wanted),
            not_(self._some(atom.attribute, lambda row: and_(_is_value(row), not_(wanted(row))))),
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
                is_text = FORMS[attribute.type] is Form.TEXT
                return wildcard(self.flavour, column, pattern, one=False) if is_text else None
            case _:
                assert_never(atom)

    def _one_of(self, column: ColumnElement[Any], attribute: Attribute, options: frozenset[Scalar]) -> Sql:
        if FORMS[attribute.type] is Form.TEXT:
            texts = sorted(option for option in options if isinstance(option, str))
            return member(self.flavour, column, texts)
        numbers = {
            float(option)
            for option in options
            # To Python `True` is 1, so a set that holds one holds the other.
            if isinstance(option, bool) or (not isinstance(option, str) and fits(option, ValueType.NUMBER))
        }
        return column.in_(sorted(numbers)) if numbers else false()

    def _some(self, attribute: Attribute, condition: Callable[["_Held"], Sql]) -> Sql:
        """Some value that is held of the attribute, or the fact that it is known, meets the condition."""
        of_class = self._class_holds(attribute.scope, attribute.name, condition(_OF_CLASS))
        if attribute.scope is not Scope.STUDY or attribute.name not in self.in_rows:
            return of_class
        marked = self._class_holds(
            Scope.STUDY, IN_ROWS, and_(class_fact.c.form == Form.TEXT, class_fact.c.text == attribute.name)
        )
        if attribute == STUDY_DATE:
            of_row = or_(
                condition(_Held(literal(int(Form.TEXT)), study.c.study_date, _NO_NUMBER)), condition(_KNOWN)
            )
        else:
            held = select(study_value.c.study_pk).where(
                study_value.c.tenant == self.tenant,
                study_value.c.attribute == attribute.name,
                condition(_Held(literal(int(Form.TEXT)), study_value.c.value, _NO_NUMBER)),
            )
            of_row = or_(study.c.study_pk.in_(held), condition(_KNOWN))
        return or_(of_class, and_(marked, of_row))

    def _class_holds(self, scope: Scope, name: str, condition: Sql) -> Sql:
        holding = select(class_fact.c.class_pk).where(
            class_fact.c.tenant == self.tenant, class_fact.c.attribute == name, condition
        )
        return CLASS_COLUMNS[scope].in_(holding)


@dataclass(frozen=True, slots=True)
class _Held:
    """Where a value stands: in columns of `class_fact`, or in a row that holds its own, as text."""

    form: ColumnElement[int]
    text: ColumnElement[str]
    number: ColumnElement[float]


_NO_NUMBER = literal(0.0)
_OF_CLASS = _Held(class_fact.c.form, class_fact.c.text, class_fact.c.number)
_KNOWN = _Held(literal(int(Form.KNOWN)), literal(""), _NO_NUMBER)


def _is_value(row: _Held) -> Sql:
    return row.form != Form.KNOWN


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
