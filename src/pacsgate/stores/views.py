"""What a search may show of a study: the study made of its admitted series alone.

Called by `search`.

Standard: PS3.18 tables 10.6.3-3, 10.6.3-4 and 10.6.3-5 (computed attributes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.model.resource import ResourceKey
from pacsgate.model.subject import Attributes
from pacsgate.policy.facts import ResourceFacts
from pacsgate.ports import Match
from pacsgate.stores.packing import PackedInstance, unpack_attributes
from pacsgate.stores.said import Said
from pacsgate.stores.schema import AnyRow

_Json = dict[str, dict[str, Any]]


@lru_cache(maxsize=4096)
def _computed(keyword: str, *values: str | int) -> _Json:
    # Few distinct ones, in every row of every answer.  Whoever takes one copies it into his own.
    element: dict[str, Any] = {"vr": vr_of(keyword)}
    return {tag_of(keyword): element | {"Value": list(values)} if values else element}


_ONLINE = _computed("InstanceAvailability", "ONLINE")
"""The index holds nothing that its archive would have to fetch first (PS3.3 C.4.23.1.1)."""


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One admitted series.  `row` holds at least what every admitted series of a page is read with."""

    row: AnyRow
    facts: Attributes


@dataclass(frozen=True)
class StudyView:
    """One study as its admitted series show it.

    `said` is what each admitted series says of the study, if another series is
    hidden; it is empty when all are admitted, and the row speaks for them.
    """

    row: AnyRow
    facts: Attributes
    series: Sequence[SeriesView]
    said: Said

    @cached_property
    def attributes(self) -> _Json:
        """The study's own attributes and those computed from its admitted series."""
        return {**self._own, **self._computed}

    @cached_property
    def _own(self) -> Mapping[str, Any]:
        return next(iter(self.said.values())) if self.said else unpack_attributes(self.row.attributes)

    @cached_property
    def _computed(self) -> _Json:
        rows = [one.row for one in self.series]
        return {
            **_computed("ModalitiesInStudy", *sorted({row.modality for row in rows if row.modality})),
            **_computed(
                "SOPClassesInStudy", *sorted({uid for row in rows for uid in row.sop_classes.split("\\")})
            ),
            **_computed("NumberOfStudyRelatedSeries", len(rows)),
            **_computed("NumberOfStudyRelatedInstances", sum(row.instances for row in rows)),
            **_ONLINE,
        }

    def match(self) -> Match:
        """The row of a search for studies."""
        return Match(
            ResourceKey(self.row.study_instance_uid),
            self.row.patient_id,
            self.attributes,
            tuple(self._facts_with(one.facts) for one in self.series),
        )

    def series_attributes(self, row: AnyRow) -> _Json:
        """The attributes of one of its series, whose row was read with its attributes, after the study's."""
        return {
            **self.said.get(row.series_instance_uid, self._own),
            **self._computed,
            **unpack_attributes(row.series_attributes),
            **_computed("NumberOfSeriesRelatedInstances", row.instances),
        }

    def series_match(self, row: AnyRow, series_facts: Attributes) -> Match:
        """The row of a search for series."""
        return Match(
            ResourceKey(self.row.study_instance_uid, row.series_instance_uid),
            self.row.patient_id,
            self.series_attributes(row),
            (self._facts_with(series_facts),),
        )

    def instance_match(
        self, row: AnyRow, series_facts: Attributes, parents: Mapping[str, Any], packed: PackedInstance
    ) -> Match:
        """The row of a search for instances; `parents` is `series_attributes` of its series."""
        syntax = packed.transfer_syntax_uid
        return Match(
            ResourceKey(self.row.study_instance_uid, row.series_instance_uid, packed.sop_instance_uid),
            self.row.patient_id,
            {
                **parents,
                **unpack_attributes(packed.attributes),
                **_computed("AvailableTransferSyntaxUID", *([syntax] if syntax else [])),
            },
            (self._facts_with(series_facts),),
        )

    def _facts_with(self, series_facts: Attributes) -> ResourceFacts:
        return ResourceFacts(self.facts, series_facts)
