"""The studies of an archive as rules see them: kinds of study, counted, and asked all at once.

Studies that no rule can tell apart are one kind.  A formula is asked of every part of every kind in one
pass: a set of parts is an integer with one bit for each, an atom becomes the set on which it holds, and
connectives become `&` and `|`.  So a question about ten million studies costs as much as their kinds do.

Some attributes are not in a kind: the UIDs, the patient, attributes of many values, and those that the index
has not read yet.  These are *open*.  An answer is therefore two sets, what is surely so and what may be so;
where nothing open takes part they are the same.

Parts lie in layers: the first part of every kind, then the second of those that have one, and so on.  Kinds
with most parts come first, so a layer is a run of bits that begins with the first kind, and
"some part" and "every part" are a union and an intersection of shifted layers.

Called by `kind_sets`.

Invariants:
- without open attributes both bounds hold exactly the parts of which `truth.evaluate` gives the outcome asked
  for; with them it gives it on all that are sure and on none that is not possible;
- `studies` counts exactly.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import and_, or_
from typing import Protocol, assert_never

from pacsgate.model.subject import Attributes, Scalar, Values
from pacsgate.policy.facts import ResourceFacts
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
)
from pacsgate.policy.truth import negation, outcome


class KindOfStudy(Protocol):
    """What `ports.Kind` holds."""

    @property
    def number(self) -> int:
        """Its name in the index."""
        ...

    @property
    def study(self) -> Attributes:
        """Facts of the study."""
        ...

    @property
    def parts(self) -> Sequence[Attributes]:
        """The distinct facts of its series."""
        ...

    @property
    def studies(self) -> int:
        """How many studies are of this kind."""
        ...

    @property
    def open(self) -> frozenset[str]:
        """Attributes of the study of which each has values of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """The parts, or kinds, of which something is surely so, and those of which it may be."""

    sure: int
    possible: int

    def __and__(self, other: "Bounds") -> "Bounds":
        return Bounds(self.sure & other.sure, self.possible & other.possible)

    def __or__(self, other: "Bounds") -> "Bounds":
        return Bounds(self.sure | other.sure, self.possible | other.possible)

    def without(self, other: "Bounds") -> "Bounds":
        """What is left when the other is taken away."""
        return Bounds(self.sure & ~other.possible, self.possible & ~other.sure)

    def within(self, limit: int) -> "Bounds":
        """What of it lies in a set."""
        return Bounds(self.sure & limit, self.possible & limit)

    @property
    def is_exact(self) -> bool:
        """Whether nothing open takes part."""
        return self.sure == self.possible


NOWHERE = Bounds(0, 0)


class Population:
    """Every kind of study of one archive."""

    def __init__(
        self,
        kinds: Iterable[KindOfStudy],
        is_open: Collection[Attribute] = KEY_ATTRIBUTES,
    ) -> None:
        """`is_open` are the attributes that no kind holds."""
        self.kinds = sorted(
            (kind for kind in kinds if kind.parts), key=lambda kind: (-len(kind.parts), kind.number)
        )
        self._is_open = frozenset(is_open)
        self._layers = tuple(_layers([len(kind.parts) for kind in self.kinds]))
        self._parts = tuple(
            ResourceFacts(kind.study, kind.parts[depth])
            for depth, (_, length) in enumerate(self._layers)
            for kind in self.kinds[:length]
        )
        self._all_parts = (1 << len(self._parts)) - 1
        self._open = self._parts_by_open_attribute()
        self._digits = _binary_digits([kind.studies for kind in self.kinds])
        self._held: dict[tuple[Scope, str], Mapping[Values | None, int]] = {}
        self._atoms: dict[tuple[Atom, Truth], Bounds] = {}

    @property
    def everything(self) -> Bounds:
        """Every part."""
        return Bounds(self._all_parts, self._all_parts)

    def parts(self, formula: Formula, wanted: Truth = Truth.TRUE) -> Bounds:
        """The parts of which a bound formula has this outcome (`TRUE` or `FALSE`)."""
        match formula:
            case Const(truth):
                return self.everything if truth is wanted else NOWHERE
            case Not(inner):
                return self.parts(inner, negation(wanted))
            case And(formulas) | Or(formulas):
                sets = (self.parts(part, wanted) for part in formulas)
                if isinstance(formula, And) is (wanted is Truth.TRUE):
                    return reduce(and_, sets, self.everything)
                return reduce(or_, sets, NOWHERE)
            case Compare() | OneOf() | Contains() | Like() | Has():
                return self._atom(formula, wanted)
            case _:
                assert_never(formula)

    def facts(self, parts: int) -> Iterable[ResourceFacts]:
        """The facts of some parts."""
        return (self._parts[place] for place in _places(parts))

    def some(self, parts: Bounds) -> Bounds:
        """The kinds of which some part is in a set."""
        return Bounds(self._some(parts.sure), self._some(parts.possible))

    def every(self, parts: Bounds) -> Bounds:
        """The kinds of which every part is in a set."""
        return Bounds(self._every(parts.sure), self._every(parts.possible))

    def studies(self, kinds: int) -> int:
        """How many studies there are of some kinds together."""
        return sum((kinds & digit).bit_count() << place for place, digit in enumerate(self._digits))

    def members(self, kinds: int) -> list[KindOfStudy]:
        """The kinds in a set, as they were given."""
        return [self.kinds[place] for place in _places(kinds)]

    def values(self, attribute: Attribute) -> Mapping[Scalar | None, int]:
        """For each value of an attribute that any part holds, the parts that hold it; `None` is no value."""
        found: dict[Scalar | None, int] = {}
        for values, parts in self._by_values(attribute).items():
            for value in values or (None,):
                found[value] = found.get(value, 0) | parts
        return found

    def holds(self, attribute: Attribute) -> bool:
        """Whether the index has read the attribute of any part, with or without a value."""
        if attribute in KEY_ATTRIBUTES or self._open_parts(attribute):
            return True
        return any(held is not None for held in self._by_values(attribute))

    def is_settled(self, attribute: Attribute) -> bool:
        """Whether every kind holds the attribute's values."""
        return not self._open_parts(attribute) and self.holds(attribute)

    def _atom(self, atom: Atom, wanted: Truth) -> Bounds:
        known = self._atoms.get((atom, wanted))
        if known is None:
            sets = (
                parts
                for values, parts in self._by_values(atom.attribute).items()
                if outcome(atom, values) is wanted
            )
            exactly, is_open = reduce(or_, sets, 0), self._open_parts(atom.attribute)
            known = self._atoms[atom, wanted] = Bounds(exactly & ~is_open, exactly | is_open)
        return known

    def _open_parts(self, attribute: Attribute) -> int:
        if attribute in self._is_open:
            return self._all_parts
        return self._open.get(attribute.name, 0) if attribute.scope is Scope.STUDY else 0

    def _by_values(self, attribute: Attribute) -> Mapping[Values | None, int]:
        key = (attribute.scope, attribute.name)
        if key not in self._held:
            places: dict[Values | None, list[int]] = {}
            for place, facts in enumerate(self._parts):
                held = facts.study if attribute.scope is Scope.STUDY else facts.series or {}
                places.setdefault(held.get(attribute.name), []).append(place)
            self._held[key] = {values: _set_of(found) for values, found in places.items()}
        return self._held[key]

    def _parts_by_open_attribute(self) -> Mapping[str, int]:
        places: dict[str, list[int]] = {}
        for start, length in self._layers:
            for place, kind in enumerate(self.kinds[:length], start):
                for name in kind.open:
                    places.setdefault(name, []).append(place)
        return {name: _set_of(found) for name, found in places.items()}

    def _some(self, parts: int) -> int:
        return reduce(or_, (parts >> start & _ones(length) for start, length in self._layers), 0)

    def _every(self, parts: int) -> int:
        layers = (
            (parts >> start & _ones(length))
            | ~_ones(length)  # kinds that do not reach this deep lack nothing
            for start, length in self._layers
        )
        return reduce(and_, layers, _ones(len(self.kinds)))


def _layers(depths: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Where each layer begins, and its length, for kinds with so many parts, most first."""
    lengths = [sum(depth > layer for depth in depths) for layer in range(depths[0] if depths else 0)]
    return zip(accumulate(lengths, initial=0), lengths, strict=False)


def _binary_digits(counts: Sequence[int]) -> tuple[int, ...]:
    """For each binary digit, the places whose count has it: a weighted count is then a few popcounts."""
    width = max(counts, default=0).bit_length()
    return tuple(
        _set_of([place for place, count in enumerate(counts) if count >> digit & 1]) for digit in range(width)
    )


def _ones(length: int) -> int:
    return (1 << length) - 1


def _set_of(places: Sequence[int]) -> int:
    """The integer with these bits; made of bytes, since a long integer is copied for each bit that is set."""
    if not places:
        return 0
    held = bytearray(max(places) // 8 + 1)
    for place in places:
        held[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(held, "little")


def _places(held: int) -> Iterable[int]:
    """The bits that are set, lowest first."""
    for start, byte in enumerate(held.to_bytes(held.bit_length() // 8 + 1, "little")):
        if byte:
            yield from (start * 8 + bit for bit in range(8) if byte >> bit & 1)
