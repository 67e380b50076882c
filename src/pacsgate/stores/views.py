"""What a search may show of a study: the study made of its admitted parts alone.

Called by `search`.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import ResourceKey
from pacsgate.model.subject import Attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.ports import Match
from pacsgate.stores import computed
from pacsgate.stores.computed import Json
from pacsgate.stores.known_kinds import KnownKind
from pacsgate.stores.likeness import Likeness
from pacsgate.stores.packing import (
    PackedAttributes,
    PackedPart,
    unpack_attributes,
    unpack_instances,
    unpack_parts,
)
from pacsgate.stores.row_facts import part_facts, study_facts
from pacsgate.stores.specials import Special


@dataclass(slots=True)
class StudyView:
    """One study as its admitted parts show it.

    What a page of a hundred rows does not need of each is worked out when somebody looks at it.
    """

    study_pk: int
    recency: int
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    stored: PackedAttributes
    """Its own attributes, with what is computed from all parts."""
    packed_parts: bytes
    kind: KnownKind
    likeness: Likeness
    special: Special | None = None
    values: Attributes = field(default_factory=dict)
    _parts: Sequence[PackedPart] | None = None
    _facts: Attributes | None = None

    @property
    def parts(self) -> Sequence[PackedPart]:
        """Its parts, those that are hidden among them."""
        if self._parts is None:
            self._parts = unpack_parts(self.packed_parts)
        return self._parts

    @property
    def shown(self) -> Sequence[int]:
        """Which of its parts are admitted, by their place."""
        if self.special is not None:
            return self.special.shown
        shown = self.likeness.shown
        if shown is None:
            return range(len(self.parts))
        return [place for place, part in enumerate(self.parts) if part.position in shown]

    @property
    def said(self) -> Sequence[DicomJson]:
        """What each admitted part says of the study; nothing where the row speaks for all."""
        return () if self.special is None else self.special.said

    @property
    def _is_whole(self) -> bool:
        return self.likeness.shown is None if self.special is None else self.special.is_whole

    @property
    def attributes(self) -> DicomJson:
        """The study's own attributes and those computed from its admitted parts."""
        if self._is_whole:
            return self.stored
        return {**self._own(self.shown[0]), **self._computed}

    @property
    def _computed(self) -> Json:
        parts = [self.parts[place] for place in self.shown]
        return computed.of_study(parts, (self.kind.modalities[part.position] for part in parts))

    def _own(self, place: int) -> Mapping[str, Any]:
        if self.said:
            return self.said[self.shown.index(place)]
        return {tag: element for tag, element in self.stored.items() if tag not in computed.TAGS}

    @property
    def facts(self) -> Attributes:
        """The facts of the study."""
        if self._facts is None:
            self._facts = study_facts(
                self.kind,
                self.study_instance_uid,
                self.patient_id,
                self.issuer_of_patient_id,
                self.recency,
                self.values,
            )
        return self._facts

    def facts_of(self, place: int) -> ResourceFacts:
        """The facts of one of its parts."""
        return ResourceFacts(self.facts, part_facts(self.kind, self.parts[place]))

    def match(self) -> Match:
        """The row of a search for studies."""
        return Match(
            ResourceKey(self.study_instance_uid),
            self.patient_id,
            self.attributes,
            FactsOfParts(self, None),
            self._alike(None),
        )

    @property
    def series(self) -> dict[str, list[int]]:
        """The places of the admitted parts of each series, the series in order."""
        found: dict[str, list[int]] = {}
        for place in self.shown:
            found.setdefault(self.parts[place].series_instance_uid, []).append(place)
        return found

    def series_match(self, uid: str, places: Sequence[int], attributes: bytes) -> Match:
        """The row of a search for series; `attributes` are those stored of its first admitted part."""
        return Match(
            ResourceKey(self.study_instance_uid, uid),
            self.patient_id,
            self._of_series(places, attributes),
            FactsOfParts(self, places),
            self._alike(places),
        )

    def instance_matches(
        self, uid: str, places: Sequence[int], rows: Mapping[int, tuple[bytes, bytes]]
    ) -> Iterator[Match]:
        """The rows of a search for instances; `rows` are the stored attributes and instances by place."""
        packed = [(instance, place) for place in places for instance in unpack_instances(rows[place][1])]
        parents = self._of_series(places, rows[places[0]][0])
        alike = {place: self._alike([place]) for place in places}
        facts = {place: (self.facts_of(place),) for place in places}
        for instance, place in sorted(packed, key=lambda each: each[0].sop_instance_uid):
            syntax = instance.transfer_syntax_uid
            yield Match(
                ResourceKey(self.study_instance_uid, uid, instance.sop_instance_uid),
                self.patient_id,
                {
                    **parents,
                    **unpack_attributes(instance.attributes),
                    **computed.computed("AvailableTransferSyntaxUID", *([syntax] if syntax else [])),
                },
                facts[place],
                alike[place],
            )

    def _alike(self, places: Sequence[int] | None) -> Hashable:
        """By what some parts, or all that are admitted, are like those of others, or of this row later."""
        likeness = self.likeness
        if likeness.alike is None or (places is None and not likeness.own and not likeness.by_row):
            return likeness.alike
        own = tuple(self.values.get(name) for name in likeness.own)
        if likeness.by_row:
            shown = self.shown if places is None else places
            return likeness.alike, own, self.study_pk, self.recency, self.packed_parts, tuple(shown)
        return likeness.alike, own, places and self._positions(places)

    def _positions(self, places: Iterable[int]) -> frozenset[int]:
        return frozenset(self.parts[place].position for place in places)

    def _of_series(self, places: Sequence[int], attributes: bytes) -> Json:
        """The attributes of one of its series, after the study's."""
        return {
            **self._own(places[0]),
            **self._computed,
            **unpack_attributes(attributes),
            **computed.computed(
                "NumberOfSeriesRelatedInstances", sum(self.parts[place].instances for place in places)
            ),
        }


class FactsOfParts(Sequence[ResourceFacts]):
    """The facts of some parts of a study, or of all that are admitted, made when somebody looks at them.

    Rows that are alike are decided once, so most rows' facts are never asked for.
    """

    __slots__ = ("_made", "_places", "_view")

    def __init__(self, view: StudyView, places: Sequence[int] | None) -> None:
        self._view = view
        self._places = places
        self._made: tuple[ResourceFacts, ...] | None = None

    def _all(self) -> tuple[ResourceFacts, ...]:
        if self._made is None:
            places = self._view.shown if self._places is None else self._places
            self._made = tuple(map(self._view.facts_of, places))
        return self._made

    @overload
    def __getitem__(self, index: int) -> ResourceFacts: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ResourceFacts, ...]: ...
    def __getitem__(self, index: int | slice) -> ResourceFacts | tuple[ResourceFacts, ...]:
        return self._all()[index]

    def __iter__(self) -> Iterator[ResourceFacts]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())
