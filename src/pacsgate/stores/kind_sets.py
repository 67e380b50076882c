"""Sets of kinds: a formula asked of all kinds of study at once.

The kinds that hold the same values of an attribute are one bitmap.  An atom is
asked of each distinct set of values, which are few, and becomes a union of
bitmaps; connectives become unions and intersections.  So a formula over twenty
thousand kinds costs some hundred microseconds.

The parts of a kind lie in layers: the first part of every kind, the second of
those that have one, and so on.  Within a layer a kind's number says it all.

Called by `known_kinds` (which adds kinds) and `admission` (which asks).

Invariants:
- on what kinds hold, an atom's outcome is `truth.outcome`'s; connectives are
  Kleene's, as two-valued questions (see `policy.closures`);
- kinds are added, and never changed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, assert_never

from pyroaring import BitMap

from pacsgate.model.subject import Attributes, Values
from pacsgate.policy.ir import (
    KEY_ATTRIBUTES,
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
from pacsgate.policy.truth import negation, outcome

Open = Callable[[Atom, Truth], bool]
"""Whether an atom is taken to have an outcome where rows hold its attribute, each its own."""

_KEYS = frozenset((attribute.scope, attribute.name) for attribute in KEY_ATTRIBUTES)


class KindLike(Protocol):
    """What is known of a kind."""

    @property
    def number(self) -> int:
        """Its number."""
        ...

    @property
    def study(self) -> Attributes:
        """The facts of its studies that all of them share."""
        ...

    @property
    def in_rows(self) -> frozenset[str]:
        """The attributes of which each of its studies has its own values."""
        ...

    @property
    def parts(self) -> Sequence[Attributes]:
        """The facts of each of its parts."""
        ...

    @property
    def modalities(self) -> Sequence[str]:
        """The Modality of each of its parts."""
        ...


class _Layer:
    """One thing with facts for each of some kinds: the study, or the part at one place."""

    def __init__(self) -> None:
        self.kinds = BitMap()
        self.in_rows: dict[str, BitMap] = {}
        self._held: dict[str, dict[object, tuple[Values, BitMap]]] = {}
        self._known: dict[str, BitMap] = {}

    def add(self, numbers: Sequence[int], facts: Attributes, in_rows: frozenset[str] = frozenset()) -> None:
        """Add kinds that have the same facts."""
        self.kinds.update(numbers)
        for name in in_rows:
            _put(self.in_rows, name, numbers)
        for name, values in facts.items():
            by_values = self._held.get(name)
            if by_values is None:
                by_values = self._held[name] = {}
            key = _distinct(values)
            held = by_values.get(key)
            if held is None:
                held = by_values[key] = (values, BitMap())
            held[1].update(numbers)
            _put(self._known, name, numbers)

    def where(self, atom: Atom, wanted: Truth, open_: Open) -> BitMap:
        name = atom.attribute.name
        if (atom.attribute.scope, name) in _KEYS:
            return self.kinds if open_(atom, wanted) else BitMap()
        in_rows = self.in_rows.get(name)
        found = [
            kinds for values, kinds in self._held.get(name, {}).values() if outcome(atom, values) is wanted
        ]
        if in_rows is not None and open_(atom, wanted):
            found.append(in_rows)
        if outcome(atom, None) is wanted:
            found.append(self.kinds - self._known.get(name, BitMap()) - (in_rows or BitMap()))
        return BitMap.union(*found) if found else BitMap()


class KindSets:
    """All kinds that are known.  Whoever uses it holds its owner's lock."""

    def __init__(self) -> None:
        self._studies = _Layer()
        self._parts: list[_Layer] = []
        self._modalities: list[dict[str, BitMap]] = []

    def add(self, kinds: Iterable[KindLike]) -> None:
        """Add kinds."""
        alike: dict[tuple[int, int], tuple[Attributes, list[int]]] = {}
        modalities: dict[tuple[int, str], list[int]] = {}
        for kind in kinds:
            self._studies.add([kind.number], kind.study, kind.in_rows)
            for place, (facts, modality) in enumerate(zip(kind.parts, kind.modalities, strict=True)):
                # Parts of one class are read as one object.
                alike.setdefault((place, id(facts)), (facts, []))[1].append(kind.number)
                modalities.setdefault((place, modality), []).append(kind.number)
        while len(self._parts) <= max((place for place, _ in alike), default=-1):
            self._parts.append(_Layer())
            self._modalities.append({})
        for (place, _), (facts, numbers) in alike.items():
            self._parts[place].add(numbers, facts)
        for (place, modality), numbers in modalities.items():
            _put(self._modalities[place], modality, numbers)

    @property
    def modalities(self) -> frozenset[str]:
        """Every Modality of a part."""
        return frozenset(modality for layer in self._modalities for modality in layer)

    def with_modality(self, modalities: frozenset[str]) -> tuple[BitMap, ...]:
        """By place, the kinds whose part there is of one of these."""
        return tuple(
            BitMap.union(BitMap(), *(kinds for modality, kinds in layer.items() if modality in modalities))
            for layer in self._modalities
        )

    @property
    def in_rows(self) -> frozenset[str]:
        """The attributes of which studies of some kind have values of their own."""
        return frozenset(self._studies.in_rows)

    @property
    def layers(self) -> tuple[BitMap, ...]:
        """By place, the kinds that have a part there."""
        return tuple(layer.kinds for layer in self._parts)

    def where(self, formula: Formula, open_: Open) -> tuple[BitMap, ...]:
        """By place, the kinds of whose part there the formula is `TRUE`."""
        of_studies: dict[tuple[int, Truth], BitMap] = {}
        return tuple(
            self._where(formula, Truth.TRUE, layer, open_, of_studies) & layer.kinds for layer in self._parts
        )

    def _where(
        self,
        formula: Formula,
        wanted: Truth,
        layer: _Layer,
        open_: Open,
        of_studies: dict[tuple[int, Truth], BitMap],
    ) -> BitMap:
        match formula:
            case Const(truth):
                return self._studies.kinds if truth is wanted else BitMap()
            case Not(inner):
                return self._where(inner, negation(wanted), layer, open_, of_studies)
            case And(formulas) | Or(formulas):
                parts = [self._where(part, wanted, layer, open_, of_studies) for part in formulas]
                if isinstance(formula, And) is (wanted is Truth.TRUE):
                    return BitMap.intersection(self._studies.kinds, *parts)
                return BitMap.union(BitMap(), *parts)
            case Compare() | OneOf() | Contains() | Like() | Has():
                return self._atom(formula, wanted, layer, open_, of_studies)
            case _:
                assert_never(formula)

    def _atom(
        self,
        atom: Atom,
        wanted: Truth,
        layer: _Layer,
        open_: Open,
        of_studies: dict[tuple[int, Truth], BitMap],
    ) -> BitMap:
        match atom.attribute.scope:
            case Scope.SERIES:
                return layer.where(atom, wanted, open_)
            case Scope.STUDY:
                # The same for every layer, and so asked once.
                known = of_studies.get((id(atom), wanted))
                if known is None:
                    known = of_studies[id(atom), wanted] = self._studies.where(atom, wanted, open_)
                return known
            case Scope.USER | Scope.ENV:
                return BitMap()
            case _:
                assert_never(atom.attribute.scope)


def _put(sets: dict[str, BitMap], name: str, numbers: Sequence[int]) -> None:
    held = sets.get(name)
    if held is None:
        held = sets[name] = BitMap()
    held.update(numbers)


def some(layers: Sequence[BitMap]) -> BitMap:
    """The kinds that are in any layer."""
    return BitMap.union(BitMap(), *layers)


def partly(layers: Sequence[BitMap], whole: Sequence[BitMap]) -> BitMap:
    """The kinds that are in a layer and lack another that they could be in."""
    missing = some([all_of - found for found, all_of in zip(layers, whole, strict=True)])
    return some(layers) & missing


def _distinct(values: Values) -> object:
    """Values that are told apart: to Python `True` is 1."""
    if all(isinstance(value, str) for value in values):
        return values
    return frozenset((type(value), value) for value in values)
