"""What a constraint admits, worked out for all kinds of study at once and remembered.

Most of a constraint is settled by the kind alone.  What is not, hangs on attributes
that rows hold, each its own:

- **StudyDate** splits time into segments, in each of which the answer is one;
- a **named** value (a UID, a patient, a physician) matters only to the rows that hold
  it.  Kinds are answered as for a row that holds none of the named values; the rows
  that do are looked up by value (`specials`);
- anything else, such as a pattern on a UID, must be **asked** of each row.

Called by `search`; one object per process remembers for all of them.

Invariants:
- a row of a kind that is neither asked nor torn, and that is no special, is admitted
  exactly if its segment's sets hold its kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from pyroaring import BitMap

from pacsgate.policy.closures import Test, when
from pacsgate.policy.findings import atoms_of
from pacsgate.policy.ir import (
    KEY_ATTRIBUTES,
    STUDY_DATE,
    Atom,
    Attribute,
    Compare,
    Comparison,
    Contains,
    Formula,
    Has,
    Like,
    OneOf,
    Scope,
    Truth,
    ValueType,
)
from pacsgate.policy.truth import COMPARISONS, outcome
from pacsgate.stores.kind_sets import partly, some
from pacsgate.stores.known_kinds import View
from pacsgate.stores.likeness import Likenesses, Reads
from pacsgate.stores.match_columns import recency

EVER = 2**63 - 1
"""No study is so new."""

_REMEMBERED = 500
"""Constraints kept: about as many as there are subjects at a time."""

_DATES = 8
"""Dates that may split time; a formula that names more is asked of each row."""

_UNNAMED = "\0"
"""Stands for any value that is not named: no stored text has a NUL."""

_ANY_TEXT_FITS = frozenset({ValueType.STRING, ValueType.SET})

Name = tuple[Scope, str]
STUDY_DATE_NAME: Name = (STUDY_DATE.scope, STUDY_DATE.name)


@dataclass(frozen=True, slots=True)
class Segment:
    """What is admitted of studies from one recency to another, both inclusive."""

    oldest: int
    newest: int
    layers: tuple[BitMap, ...]
    """By place, the kinds whose part there is admitted."""
    kinds: BitMap
    """Those with an admitted part whose rows all show the same of themselves."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What one constraint admits, among the kinds of one generation."""

    generation: int
    segments: tuple[Segment, ...]
    """The newest first; together they are all of time."""
    named: Mapping[Name, frozenset[str]]
    touched: BitMap
    """The kinds of which a row that holds a named value may be told from the others."""
    asked: BitMap
    """The kinds whose rows must each be asked."""
    torn: BitMap
    """The kinds of which a part is hidden that may say something else of its study than the others."""
    admits: Test
    """Of the facts of one part."""
    _likenesses: dict[Reads, Likenesses] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_specials(self) -> bool:
        """Whether any row need be looked at by itself."""
        return bool(self.named or self.asked or self.torn)

    def likenesses(self, reads: Reads) -> Likenesses:
        """What is said of rows by their kind, where decisions read these attributes."""
        return self._likenesses.get(reads) or self._likenesses.setdefault(reads, Likenesses(reads))

    def at(self, moment: int) -> Segment:
        """The segment of a study."""
        first = self.segments[0]
        return (
            first if first.oldest <= moment else next(each for each in self.segments if each.oldest <= moment)
        )


class Admissions:
    """What constraints admit in one archive, remembered; threads share it: each entry is replaced whole."""

    def __init__(self) -> None:
        self._known: dict[Formula, Admitted] = {}

    def of(self, view: View, formula: Formula) -> Admitted:
        """What a constraint's formula admits."""
        known = self._known.get(formula)
        if known is None or known.generation != view.generation:
            known = admitted(view, formula)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[formula] = known
        return known


def admitted(view: View, formula: Formula) -> Admitted:
    """Work out what a formula admits."""
    atoms = tuple(atoms_of(formula))
    with view.lock:
        # Under the lock, or kinds that are just being added would be in some sets and not in others.
        opened = tuple(atom for atom in atoms if _is_open(atom, view.sets.in_rows))
        dates = _dates(opened)
        asked_of_rows = frozenset(atom for atom in opened if not _is_settled(atom, dates is not None))
        named = _named(opened, asked_of_rows)
        whole = view.sets.layers
        segments: list[Segment] = []
        touched, asked, torn = BitMap(), BitMap(), BitMap()
        for oldest, newest, date in _segments(dates or ()):
            low = view.sets.where(formula, _Guess(date, asked_of_rows, optimist=False, every=False))
            if asked_of_rows:
                high = view.sets.where(formula, _Guess(date, asked_of_rows, optimist=True, every=False))
                asked |= _differing(low, high)
            if named:
                worst = view.sets.where(formula, _Guess(date, asked_of_rows, optimist=False, every=True))
                best = view.sets.where(formula, _Guess(date, asked_of_rows, optimist=True, every=True))
                touched |= _differing(worst, best)
            torn |= partly(low, whole) & view.disagreeing
            segments.append(Segment(oldest, newest, low, some(low)))
    return Admitted(
        generation=view.generation,
        segments=tuple(
            Segment(each.oldest, each.newest, each.layers, each.kinds - asked - torn) for each in segments
        ),
        named=named,
        touched=touched,
        asked=asked,
        torn=torn,
        admits=when(formula, Truth.TRUE),
    )


def _differing(low: tuple[BitMap, ...], high: tuple[BitMap, ...]) -> BitMap:
    return some([more - less for less, more in zip(low, high, strict=True)])


@dataclass(frozen=True, slots=True)
class _Guess:
    """How open atoms are taken to turn out.

    As for a row that holds no named value, in a segment of time; those that must be
    asked, or with `every` all but dates, as an optimist or a pessimist thinks.
    """

    date: str
    asked: frozenset[Atom]
    optimist: bool
    every: bool

    def __call__(self, atom: Atom, wanted: Truth) -> bool:
        is_date = (atom.attribute.scope, atom.attribute.name) == STUDY_DATE_NAME
        if atom in self.asked or (self.every and not is_date):
            return self.optimist
        return _outcome(atom, self.date if is_date else _UNNAMED) is wanted


def _outcome(atom: Atom, value: str) -> Truth:
    """The outcome on a value that may not fit its type: it stands for many that do."""
    match atom:
        case Has():
            return Truth.TRUE
        case Contains(_, element):
            return Truth.UNKNOWN if isinstance(element, Attribute) else Truth.FALSE
        case Compare(attribute, op, operand):
            if outcome(atom, frozenset({_fitting(attribute)})) is Truth.UNKNOWN:
                return Truth.UNKNOWN
            return Truth.TRUE if COMPARISONS[op](value, operand) else Truth.FALSE
        case OneOf(attribute, options):
            if outcome(atom, frozenset({_fitting(attribute)})) is Truth.UNKNOWN or isinstance(
                options, Attribute
            ):
                return Truth.UNKNOWN
            return Truth.TRUE if value in options else Truth.FALSE
        case Like():
            return Truth.UNKNOWN
        case _:
            assert_never(atom)


def _fitting(attribute: Attribute) -> str:
    return "20000101" if attribute.type is ValueType.DATE else ""


def _is_open(atom: Atom, in_rows: frozenset[str]) -> bool:
    attribute = atom.attribute
    return attribute in KEY_ATTRIBUTES or (attribute.scope is Scope.STUDY and attribute.name in in_rows)


def _is_settled(atom: Atom, by_date: bool) -> bool:  # noqa: FBT001 - one of two facts about the formula
    """Whether a segment and a look at named values settle it."""
    is_date = (atom.attribute.scope, atom.attribute.name) == STUDY_DATE_NAME
    if not is_date and atom.attribute.type not in _ANY_TEXT_FITS:
        # What a row holds may be from before the attribute was declared like this.
        return False
    match atom:
        case Has():
            return True
        case Contains() | OneOf():
            return by_date or not is_date
        case Compare(_, op):
            return by_date if is_date else op in {Comparison.EQ, Comparison.NE}
        case Like():
            return False
        case _:
            assert_never(atom)


def _named(opened: tuple[Atom, ...], asked: frozenset[Atom]) -> dict[Name, frozenset[str]]:
    """The values that settled atoms name, by attribute."""
    found: dict[Name, frozenset[str]] = {}
    for atom in opened:
        name = (atom.attribute.scope, atom.attribute.name)
        if atom in asked or name == STUDY_DATE_NAME:
            continue
        match atom:
            case Compare(_, _, operand) | Contains(_, operand):
                values = frozenset({operand} if isinstance(operand, str) else ())
            case OneOf(_, options):
                values = frozenset(
                    ()
                    if isinstance(options, Attribute)
                    else (each for each in options if isinstance(each, str))
                )
            case Has() | Like():
                values = frozenset()
            case _:
                assert_never(atom)
        if values:
            found[name] = found.get(name, frozenset()) | values
    return found


def _dates(opened: tuple[Atom, ...]) -> tuple[str, ...] | None:
    """The dates at which answers may change, or `None` if they are too many."""
    found: set[str] = set()
    for atom in opened:
        if (atom.attribute.scope, atom.attribute.name) != STUDY_DATE_NAME:
            continue
        match atom:
            case Compare(_, _, str(operand)):
                found.add(operand)
            case OneOf(_, frozenset() as options):
                found |= {option for option in options if isinstance(option, str)}
            case _:
                pass
    dates = sorted(date for date in found if len(date) == 8 and date.isdigit())
    return tuple(dates) if len(dates) <= _DATES else None


def _segments(dates: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """Each stretch of time between two dates and each of the dates, newest first.

    With a text that compares with the dates as all dates of the stretch do.
    """
    edges = [(recency(date, ""), date) for date in dates]
    after = [(recency(str(int(date) + 1), ""), date + "0") for date in dates]
    starts = sorted([(0, ""), *edges, *after], reverse=True)
    newest = EVER
    for start, date in starts:
        if start <= newest:
            yield start, newest, date
        newest = start - 1
