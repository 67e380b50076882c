"""What a search may show of a study: the study made of its admitted parts alone.

Called by `search`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import ResourceKey
from pacsgate.model.subject import Attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.ports import Match
from pacsgate.stores import computed
from pacsgate.stores.computed import Json
from pacsgate.stores.known_kinds import KnownKind
from pacsgate.stores.packing import (
    PackedInstance,
    PackedPart,
    unpack_attributes,
    unpack_instances,
)
from pacsgate.stores.row_facts import part_facts, study_facts


@dataclass(slots=True)
class StudyView:
    """One study as its admitted parts show it.

    `said` is what each admitted part says of the study, if one that is hidden may
    say something else; it is empty where the row speaks for all.
    """

    study_pk: int
    recency: int
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    stored: DicomJson
    """Its own attributes, with what is computed from all parts."""
    parts: Sequence[PackedPart]
    kind: KnownKind
    shown: Sequence[int]
    said: Sequence[DicomJson]
    values: Attributes

    @property
    def attributes(self) -> DicomJson:
        """The study's own attributes and those computed from its admitted parts."""
        if len(self.shown) == len(self.parts):
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
        return study_facts(
            self.kind,
            self.study_instance_uid,
            self.patient_id,
            self.issuer_of_patient_id,
            self.recency,
            self.values,
        )

    def facts_of(self, places: Iterable[int]) -> tuple[ResourceFacts, ...]:
        """The facts of some of its parts."""
        of_study = self.facts
        return tuple(ResourceFacts(of_study, part_facts(self.kind, self.parts[place])) for place in places)

    def match(self) -> Match:
        """The row of a search for studies."""
        return Match(
            ResourceKey(self.study_instance_uid),
            self.patient_id,
            self.attributes,
            self.facts_of(self.shown),
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
            self.facts_of(places),
        )

    def instance_matches(
        self, uid: str, places: Sequence[int], rows: Mapping[int, tuple[bytes, bytes]]
    ) -> Iterator[Match]:
        """The rows of a search for instances; `rows` are the stored attributes and instances by place."""
        packed = [(instance, place) for place in places for instance in unpack_instances(rows[place][1])]
        parents = self._of_series(places, rows[places[0]][0])
        facts = dict(zip(places, self.facts_of(places), strict=True))
        for instance, place in sorted(packed, key=lambda each: each[0].sop_instance_uid):
            yield self._instance_match(uid, instance, facts[place], parents)

    def _instance_match(
        self, uid: str, packed: PackedInstance, facts: ResourceFacts, parents: Mapping[str, Any]
    ) -> Match:
        syntax = packed.transfer_syntax_uid
        return Match(
            ResourceKey(self.study_instance_uid, uid, packed.sop_instance_uid),
            self.patient_id,
            {
                **parents,
                **unpack_attributes(packed.attributes),
                **computed.computed("AvailableTransferSyntaxUID", *([syntax] if syntax else [])),
            },
            (facts,),
        )

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
