"""What a series holds, in memory, while instances are added to it or taken away.

Called by `ingest`, `removal` and `refill`, which read and write the row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.subject import Values
from pacsgate.ports import Ingested
from pacsgate.stores.contributions import (
    Contribution,
    pack_contributions,
    series_union,
    unpack_contributions,
)
from pacsgate.stores.packing import (
    PackedInstance,
    pack_attributes,
    pack_header,
    pack_instances,
    unpack_instances,
)
from pacsgate.stores.schema import AnyRow
from pacsgate.stores.storable import storable_text


@dataclass(slots=True)
class SeriesState:
    """The instances of one series by SOP Instance UID, and what they contribute."""

    instances: dict[str, PackedInstance] = field(default_factory=dict)
    contributions: list[Contribution] = field(default_factory=list)
    header_instance: str = ""
    header: bytes | None = None
    """Packed; `None` when the stored one stays."""

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """The state of a stored series."""
        return cls(
            instances={one.sop_instance_uid: one for one in unpack_instances(row.packed)},
            contributions=unpack_contributions(row.contributions),
            header_instance=row.header_instance,
        )

    def add(self, items: Iterable[Ingested]) -> None:
        """Add instances, or replace those with the same SOP Instance UID."""
        for item in items:
            summary = item.summary
            self.instances[summary.sop_instance_uid] = PackedInstance(
                summary.sop_instance_uid,
                summary.sop_class_uid,
                summary.transfer_syntax_uid,
                summary.number_of_frames,
                item.size,
                item.digest,
                self._contribution(item),
                msgspec.Raw(pack_attributes(_with_uid(summary.instance, summary.sop_instance_uid))),
            )
            if self.header_instance in {"", summary.sop_instance_uid}:
                self.header_instance = summary.sop_instance_uid
                self.header = pack_header(summary.header)
        self._drop_unused()

    def discard(self, sop_instance_uid: str) -> None:
        """Take one instance away, and whatever only it contributed."""
        del self.instances[sop_instance_uid]
        self._drop_unused()

    def refill(self, contribution: Contribution | None) -> None:
        """Let every instance contribute this, or nothing."""
        self.contributions = [contribution or Contribution({}, {})]
        self.instances = {
            uid: msgspec.structs.replace(one, contribution=0) for uid, one in self.instances.items()
        }

    @property
    def facts(self) -> dict[str, Values]:
        """What its instances say about the series."""
        return series_union(self.contributions)

    def columns(self) -> dict[str, Any]:
        """The columns that follow from the state."""
        columns: dict[str, Any] = {
            "instances": len(self.instances),
            "sop_classes": "\\".join(sorted({one.sop_class_uid for one in self.instances.values()})),
            "header_instance": self.header_instance,
            "contributions": pack_contributions(self.contributions),
            "packed": pack_instances(self.instances.values()),
        }
        return columns if self.header is None else columns | {"header": self.header}

    def _contribution(self, item: Ingested) -> int:
        contribution = Contribution.of(item.study_facts, item.series_facts)
        if contribution not in self.contributions:
            self.contributions.append(contribution)
        return self.contributions.index(contribution)

    def _drop_unused(self) -> None:
        used = sorted({one.contribution for one in self.instances.values()})
        if len(used) == len(self.contributions):
            return
        self.contributions = [self.contributions[old] for old in used]
        self.instances = {
            uid: msgspec.structs.replace(one, contribution=used.index(one.contribution))
            for uid, one in self.instances.items()
        }


def _with_uid(attributes: DicomJson, sop_instance_uid: str) -> DicomJson:
    return {**attributes, "00080018": {"vr": "UI", "Value": [storable_text(sop_instance_uid)]}}
