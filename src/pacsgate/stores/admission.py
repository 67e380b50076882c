"""Which rows a constraint admits, as a condition that is put together once and used for many searches.

Most of a constraint is about facts, and facts hang on access classes, of which
there are few.  So every part that is about the facts of one scope is asked of the
*classes*, in SQL, and what remains for the rows is whether their class is in a
list.  A class never changes and its number is never used again; so an answer
holds for ever, and when classes have been added only those are asked.

Parts that name a patient, study or series, and parts true of too many classes to
list, stay as `constraint_sql` writes them.

Called by `search`; one object per process remembers for all of them.

Invariants:
- a condition admits exactly what `constraint_sql` alone would: both ways are held
  against `truth.evaluate` by `tests/properties/test_sql_agrees.py`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, select
from sqlalchemy.sql.elements import ColumnElement

from pacsgate.policy.ir import Formula, Scope, Truth
from pacsgate.stores.constraint_sql import CLASS_COLUMNS, Sql, Translation, uses_series
from pacsgate.stores.dialects import frozen, member, unindexed
from pacsgate.stores.place import Place
from pacsgate.stores.schema import access_class, study
from pacsgate.stores.serials import CLASS, last_number

LISTED_CLASSES = 10_000
"""Beyond this a list costs more to hand over than the question costs to ask."""

_REMEMBERED = 500
"""Conditions and verdicts kept: about as many as there are subjects at a time."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The classes of which some part has some outcome, among those up to a number; `None` if too many."""

    upto: int
    class_pks: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Condition:
    """A constraint as text, right for the classes up to a number."""

    upto: int
    text: TextClause


class Admission:
    """Conditions and verdicts, remembered per process; threads share it: each entry is replaced whole."""

    def __init__(self) -> None:
        self._conditions: dict[tuple[str, Formula, bool], _Condition] = {}
        self._verdicts: dict[tuple[str, Formula, Truth], _Verdict] = {}

    def condition(self, place: Place, formula: Formula, upto: int, *, in_order: bool = False) -> TextClause:
        """Where the formula is `TRUE`, as a condition on `study` joined with `series` (if it uses them).

        `upto` is the number of the last class, in the snapshot of the search.
        `in_order` is for reading in the order of an index until a page is full.
        """
        key = (place.tenant, formula, in_order)
        known = self._conditions.get(key)
        if known is None or known.upto != upto:
            known = _Condition(upto, self._written(place, formula, upto, in_order=in_order))
            _make_room(self._conditions)
            self._conditions[key] = known
        return known.text

    def _written(self, place: Place, formula: Formula, upto: int, *, in_order: bool) -> TextClause:
        columns: dict[Scope, ColumnElement[int]] = dict(CLASS_COLUMNS)
        if in_order:
            columns[Scope.STUDY] = unindexed(study.c.class_pk, place.flavour)

        def decided(part: Formula, outcome: Truth, scope: Scope) -> Sql | None:
            verdict = self._verdict(place, part, outcome, scope, upto)
            return None if verdict is None else member(place.flavour, columns[scope], verdict)

        translation = Translation(place.tenant, place.flavour, columns, decided)
        name = "series" if uses_series(formula) else "study"
        return frozen(translation.where(formula, Truth.TRUE), place.flavour, name)

    def _verdict(
        self, place: Place, part: Formula, outcome: Truth, scope: Scope, upto: int
    ) -> tuple[int, ...] | None:
        key = (place.tenant, part, outcome)
        known = self._verdicts.get(key, _Verdict(0, ()))
        if known.class_pks is not None and known.upto < upto:
            translation = Translation(place.tenant, place.flavour, {scope: access_class.c.class_pk})
            fresh = place.connection.execute(
                select(access_class.c.class_pk)
                .where(
                    access_class.c.tenant == place.tenant,
                    access_class.c.class_pk > known.upto,
                    translation.where(part, outcome),
                )
                .limit(LISTED_CLASSES + 1)
            ).scalars()
            class_pks = (*known.class_pks, *fresh)
            known = _Verdict(upto, class_pks if len(class_pks) <= LISTED_CLASSES else None)
            _make_room(self._verdicts)
            self._verdicts[key] = known
        return known.class_pks


def last_class(place: Place) -> int:
    """The number of the class that was made last."""
    return last_number(place.connection, place.tenant, CLASS)


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _REMEMBERED:
        remembered.clear()
