"""Whether one condition can have an outcome at all, and whether its being so settles another: truth tables.

The comparisons of a condition are not independent: a study cannot be older than a date and younger than an
earlier one.  So the table has a row not for every combination of outcomes but for every one that some values
could cause.  All comparisons of one attribute with literals are asked together of one value from each region
that the literals cut its domain into, of no value, and of several values at once; what they answer are the
outcomes that can occur.  A pattern and a comparison between two attributes are taken to be independent of
all else.  So a table may have rows that nothing causes and never lacks one that something does.

Called by `lint`.

Invariants:
- "never" and "always" are said only of what is so for all values; `None` is "too large to say".
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, pairwise, product
from math import prod
from typing import assert_never

from pacsgate.model.subject import Credential, Scalar, SubjectKind
from pacsgate.policy.calendar import HOUR, WEEKDAY
from pacsgate.policy.environment import (
    CREDENTIAL,
    NETWORK,
    PURPOSE,
    USER_GROUPS,
    USER_KIND,
    USER_NAME,
)
from pacsgate.policy.findings import atoms_of
from pacsgate.policy.ir import (
    KEY_ATTRIBUTES,
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
from pacsgate.policy.truth import conjunction, negation, outcome

ROWS = 4096
"""A table with more rows is not made."""

_FINITE: Mapping[Attribute, Sequence[Scalar]] = {
    HOUR: range(24),
    WEEKDAY: ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    USER_KIND: [kind.value for kind in SubjectKind],
    CREDENTIAL: [credential.value for credential in Credential],
}
"""Attributes of which every value is known."""
_SINGLE = frozenset({*_FINITE, *KEY_ATTRIBUTES, USER_NAME, NETWORK, PURPOSE})
"""Attributes that always have exactly one value."""
_KNOWN_SETS = frozenset({USER_GROUPS})
"""Sets that are never missing."""

Row = tuple[Truth, ...]
"""One outcome for each of some atoms."""


class Conditions:
    """Answers about the conditions of one policy; what is asked again is remembered."""

    def __init__(self) -> None:
        # By identity: the policy holds on to its formulas, and to hash one is as long as it is deep.
        self._possible: dict[int, frozenset[Truth] | None] = {}
        self._depends_on: dict[int, frozenset[object]] = {}

    def can_be(self, formula: Formula, wanted: Collection[Truth]) -> bool | None:
        """Whether some values give a formula one of these outcomes."""
        possible = self._outcomes(formula)
        return None if possible is None else not possible.isdisjoint(wanted)

    def settles(self, one: Formula, if_it_is: Truth, other: Formula, at_least: Truth) -> bool | None:
        """Whether the other formula is at least so true wherever the first has that outcome."""
        if self.can_be(one, {if_it_is}) is False:
            return True
        too_little = {truth for truth in Truth if truth.value < at_least.value}
        for part in other.formulas if isinstance(other, And) else (other,):
            # A conjunct about something else comes out as it likes, whatever the first formula does.
            is_apart = self._keys(one).isdisjoint(self._keys(part))
            if is_apart and self.can_be(part, too_little) is not False:
                return False
        table = _table((one, other))
        if table is None:
            return None
        return all(found[1] not in too_little for found in table if found[0] is if_it_is)

    def _outcomes(self, formula: Formula) -> frozenset[Truth] | None:
        if id(formula) not in self._possible:
            table = _table((formula,))
            self._possible[id(formula)] = None if table is None else _all_of(table)
        return self._possible[id(formula)]

    def _keys(self, formula: Formula) -> frozenset[object]:
        known = self._depends_on.get(id(formula))
        if known is None:
            known = self._depends_on[id(formula)] = frozenset(map(_key, atoms_of(formula)))
        return known


def _all_of(table: Iterable[Row]) -> frozenset[Truth]:
    """Every outcome in a table of one formula."""
    found: set[Truth] = set()
    for (outcome_here,) in table:
        found.add(outcome_here)
        if len(found) == len(Truth):
            break
    return frozenset(found)


def _table(formulas: Sequence[Formula]) -> Iterator[Row] | None:
    """The outcomes of some formulas together, for every combination that values can cause."""
    atoms = list(dict.fromkeys(chain.from_iterable(map(atoms_of, formulas))))
    groups = [_Group.of(together) for together in _together(atoms)]
    if prod(len(group.rows) for group in groups) > ROWS or any(not group.rows for group in groups):
        return None
    return _rows(formulas, groups)


def _rows(formulas: Sequence[Formula], groups: Sequence["_Group"]) -> Iterator[Row]:
    for chosen in product(*(group.rows for group in groups)):
        outcomes: dict[Atom, Truth] = {}
        for group, row in zip(groups, chosen, strict=True):
            outcomes.update(zip(group.atoms, row, strict=True))
        yield tuple(_evaluate(formula, outcomes) for formula in formulas)


def _evaluate(formula: Formula, outcomes: Mapping[Atom, Truth]) -> Truth:
    match formula:
        case Const(truth):
            return truth
        case Not(inner):
            return negation(_evaluate(inner, outcomes))
        case And(formulas):
            return conjunction(_evaluate(part, outcomes) for part in formulas)
        case Or(formulas):
            return negation(conjunction(negation(_evaluate(part, outcomes)) for part in formulas))
        case Compare() | OneOf() | Contains() | Like() | Has():
            return outcomes[formula]
        case _:
            assert_never(formula)


def _together(atoms: Iterable[Atom]) -> Iterable[list[Atom]]:
    """The atoms that depend on each other: those that compare one attribute with literals."""
    found: dict[object, list[Atom]] = {}
    for atom in atoms:
        found.setdefault(_key(atom), []).append(atom)
    return found.values()


def _key(atom: Atom) -> object:
    """What the outcome of an atom depends on: its attribute, or nothing that another atom could tell."""
    return atom if _is_independent(atom) else atom.attribute


def _is_independent(atom: Atom) -> bool:
    match atom:
        case Compare(_, _, operand) | OneOf(_, operand) | Contains(_, operand):
            return isinstance(operand, Attribute)
        case Like():
            return True
        case Has():
            return False
        case _:
            assert_never(atom)


@dataclass(frozen=True, slots=True)
class _Group:
    """Atoms that depend on each other, and every row of outcomes that they can have; none is too many."""

    atoms: tuple[Atom, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, atoms: Sequence[Atom]) -> "_Group":
        first = atoms[0]
        if _is_independent(first):
            return cls(tuple(atoms), ((Truth.TRUE,), (Truth.FALSE,), (Truth.UNKNOWN,)))
        if first.attribute.type is ValueType.SET:
            return cls(tuple(atoms), tuple(_rows_of_sets(atoms)))
        return cls(tuple(atoms), tuple(_rows_of_values(atoms)))


def _rows_of_sets(atoms: Sequence[Atom]) -> Collection[Row]:
    """A set may hold any of the elements that are asked for, each for itself, or be missing."""
    attribute = atoms[0].attribute
    elements = [
        atom.element for atom in atoms if isinstance(atom, Contains) and isinstance(atom.element, str)
    ]
    if 2 ** len(elements) > ROWS:
        return ()
    subsets = chain.from_iterable(combinations(elements, size) for size in range(len(elements) + 1))
    rows = dict.fromkeys(tuple(outcome(atom, frozenset(subset)) for atom in atoms) for subset in subsets)
    if attribute not in _KNOWN_SETS:
        rows[tuple(map(_outcome_of_missing, atoms))] = None
    return rows


def _rows_of_values(atoms: Sequence[Atom]) -> Collection[Row]:
    attribute = atoms[0].attribute
    rows = dict.fromkeys(
        tuple(outcome(atom, frozenset({value})) for atom in atoms) for value in _regions(attribute, atoms)
    )
    if attribute in _SINGLE:
        return rows
    fresh = list(rows)
    while fresh:  # several values at once agree, or the outcome is unknown
        if len(rows) > ROWS:
            return ()
        merged = {_agreed(one, other) for one in fresh for other in list(rows)}
        fresh = [row for row in merged if row not in rows]
        rows.update(dict.fromkeys(fresh))
    rows[tuple(outcome(atom, frozenset()) for atom in atoms)] = None
    rows[tuple(map(_outcome_of_missing, atoms))] = None
    return rows


def _outcome_of_missing(atom: Atom) -> Truth:
    """Of the name of an attribute that is absent: of a study somebody may still look for it."""
    if isinstance(atom, Has) and atom.attribute.scope in {Scope.USER, Scope.ENV}:
        return Truth.FALSE
    return outcome(atom, None)


def _agreed(one: Row, other: Row) -> Row:
    return tuple(a if a is b else Truth.UNKNOWN for a, b in zip(one, other, strict=True))


def _regions(attribute: Attribute, atoms: Iterable[Atom]) -> Sequence[Scalar]:
    """One value of each region into which the literals cut the domain."""
    if attribute in _FINITE:
        return _FINITE[attribute]
    literals = {literal for atom in atoms for literal in _literals(atom)}
    match attribute.type:
        case ValueType.BOOLEAN:
            return (True, False)
        case ValueType.NUMBER:
            numbers = sorted(each for each in literals if isinstance(each, int | float))
            between = [(low + high) / 2 for low, high in pairwise(numbers)]
            edges = [numbers[0] - 1, numbers[-1] + 1] if numbers else [0]
            return [*numbers, *between, *edges]
        case ValueType.STRING | ValueType.DATE | ValueType.SET:
            texts = sorted(str(each) for each in literals)
            # The least text that is greater; dates are compared as texts too.
            return ["", *texts, *(f"{text}\0" for text in texts)]
        case _:
            assert_never(attribute.type)


def _literals(atom: Atom) -> Iterable[Scalar]:
    match atom:
        case Compare(_, _, operand) if not isinstance(operand, Attribute):
            return (operand,)
        case OneOf(_, options) if not isinstance(options, Attribute):
            return options
        case _:
            return ()
