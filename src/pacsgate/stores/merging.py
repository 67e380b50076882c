"""What a series holds, in memory, while instances are added to it or taken away.

A series is one part or several: instances whose own facts differ are kept apart,
each part with the packed instances, attributes and header that are its own.

Called by `ingest`, `removal` and `refill`, which read and write the rows.

Invariants:
- an instance is in one part, that of its instance facts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import msgspec

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.subject import Attributes, Values
from pacsgate.ports import Ingested
from pacsgate.stores.contributions import (
    Contribution,
    pack_contributions,
    series_union,
    unpack_contributions,
)
from pacsgate.stores.match_columns import SERIES_COLUMNS, column_values, single_valued
from pacsgate.stores.packing import (
    PackedInstance,
    pack_attributes,
    pack_facts,
    pack_header,
    pack_instances,
    unpack_attributes,
    unpack_instances,
)
from pacsgate.stores.said import digest_of, identified, said
from pacsgate.stores.schema import AnyRow
from pacsgate.stores.storable import storable_text


@dataclass(slots=True)
class PartState:
    """The instances of one part by SOP Instance UID, and what they contribute."""

    instance_facts: Attributes
    instances: dict[str, PackedInstance] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    attributes: DicomJson = field(default_factory=dict)
    header_instance: str = ""
    header: bytes = b""
    says: bytes = b""

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """A stored part."""
        contributions = unpack_contributions(row.contributions)
        return cls(
            instance_facts=contributions[0].instance,
            instances={one.sop_instance_uid: one for one in unpack_instances(row.packed)},
            contributions=contributions,
            attributes=unpack_attributes(row.attributes),
            header_instance=row.header_instance,
            header=row.header,
            says=row.says,
        )

    def add(self, item: Ingested, contribution: Contribution) -> None:
        """Add an instance, or replace the one with the same SOP Instance UID."""
        summary = item.summary
        if contribution not in self.contributions:
            self.contributions.append(contribution)
        self.instances[summary.sop_instance_uid] = PackedInstance(
            summary.sop_instance_uid,
            summary.sop_class_uid,
            summary.transfer_syntax_uid,
            summary.number_of_frames,
            item.size,
            item.digest,
            self.contributions.index(contribution),
            msgspec.Raw(pack_attributes(_with_uid(summary.instance, summary.sop_instance_uid))),
        )
        self.attributes = identified(
            single_valued(summary.series, SERIES_COLUMNS), SeriesInstanceUID=summary.series_instance_uid
        )
        if self.header_instance in {"", summary.sop_instance_uid}:
            self.header_instance = summary.sop_instance_uid
            self.header = pack_header(summary.header)
            self.says = digest_of(said(summary.header))

    def discard(self, sop_instance_uid: str) -> None:
        """Take an instance away.  The header of one that is gone stands in until another comes."""
        del self.instances[sop_instance_uid]
        if self.header_instance == sop_instance_uid:
            self.header_instance = ""

    def refill(self, contribution: Contribution) -> None:
        """Let every instance contribute this, and its own facts as before."""
        self.contributions = [replace(contribution, instance=self.instance_facts)]
        self.instances = {
            uid: msgspec.structs.replace(one, contribution=0) for uid, one in self.instances.items()
        }

    def drop_unused(self) -> None:
        """Forget what no instance contributes any more."""
        used = sorted({one.contribution for one in self.instances.values()})
        if len(used) == len(self.contributions):
            return
        self.contributions = [self.contributions[old] for old in used]
        self.instances = {
            uid: msgspec.structs.replace(one, contribution=used.index(one.contribution))
            for uid, one in self.instances.items()
        }

    def columns(self) -> dict[str, Any]:
        """The columns that follow from the state."""
        return {
            **column_values(self.attributes, SERIES_COLUMNS),
            "instances": len(self.instances),
            "sop_classes": "\\".join(sorted({one.sop_class_uid for one in self.instances.values()})),
            "header_instance": self.header_instance,
            "header": self.header,
            "says": self.says,
            "attributes": pack_attributes(self.attributes),
            "contributions": pack_contributions(self.contributions),
            "packed": pack_instances(self.instances.values()),
        }


@dataclass(slots=True)
class SeriesState:
    """The parts of one series."""

    parts: list[PartState] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[AnyRow]) -> Self:
        """The state of a stored series, from the rows of all its parts."""
        return cls([PartState.of(row) for row in rows])

    def add(self, items: Iterable[Ingested]) -> None:
        """Add instances, or replace those with the same SOP Instance UID."""
        for item in items:
            contribution = Contribution.of(item.study_facts, item.series_facts, item.instance_facts)
            part = self._part(contribution.instance)
            for other in self.parts:
                if other is not part and item.summary.sop_instance_uid in other.instances:
                    other.discard(item.summary.sop_instance_uid)
            part.add(item, contribution)
        self._settle()

    def __contains__(self, sop_instance_uid: str) -> bool:
        return any(sop_instance_uid in part.instances for part in self.parts)

    def __len__(self) -> int:
        return sum(len(part.instances) for part in self.parts)

    def discard(self, sop_instance_uid: str) -> None:
        """Take one instance away, and whatever only it contributed."""
        for part in self.parts:
            if sop_instance_uid in part.instances:
                part.discard(sop_instance_uid)
        self._settle()

    def refill(self, contribution: Contribution) -> None:
        """Let every instance contribute this, and its own facts as before."""
        for part in self.parts:
            part.refill(contribution)

    @property
    def contributions(self) -> Iterator[Contribution]:
        """What instances of any part contribute."""
        for part in self.parts:
            yield from part.contributions

    @property
    def facts(self) -> dict[str, Values]:
        """What its instances say about the series as a whole."""
        return series_union(self.contributions)

    def facts_of(self, part: PartState) -> dict[str, Values]:
        """What is known of one part: of the series, and of the part's instances."""
        return {**self.facts, **part.instance_facts}

    def _part(self, instance_facts: Attributes) -> PartState:
        for part in self.parts:
            if part.instance_facts == instance_facts:
                return part
        self.parts.append(PartState(instance_facts))
        return self.parts[-1]

    def _settle(self) -> None:
        for part in self.parts:
            part.drop_unused()
        self.parts = sorted(
            (part for part in self.parts if part.instances), key=lambda part: pack_facts(part.instance_facts)
        )


def _with_uid(attributes: DicomJson, sop_instance_uid: str) -> DicomJson:
    return {**attributes, "00080018": {"vr": "UI", "Value": [storable_text(sop_instance_uid)]}}
