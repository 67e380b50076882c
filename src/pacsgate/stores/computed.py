"""The attributes of a study that are computed from those of its parts that one may see.

Called by `study_row`, for all parts, and by `views`, for the admitted ones.

Standard: PS3.18 tables 10.6.3-3, 10.6.3-4 and 10.6.3-5 (computed attributes).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from pacsgate.dicom.attributes import tag_of, vr_of

Json = dict[str, dict[str, Any]]


class ShownPart(Protocol):
    """What a part of a series adds to what is computed."""

    @property
    def series_instance_uid(self) -> str:
        """The series that it is part of."""
        ...

    @property
    def instances(self) -> int:
        """How many instances it has."""
        ...

    @property
    def sop_classes(self) -> Sequence[str]:
        """Of these SOP classes."""
        ...


@lru_cache(maxsize=4096)
def computed(keyword: str, *values: str | int) -> Json:
    """One attribute with these values.  Few are distinct; whoever takes one copies it into his own."""
    element: dict[str, Any] = {"vr": vr_of(keyword)}
    return {tag_of(keyword): element | {"Value": list(values)} if values else element}


ONLINE = computed("InstanceAvailability", "ONLINE")
"""The index holds nothing that its archive would have to fetch first (PS3.3 C.4.23.1.1)."""


def of_study(parts: Iterable[ShownPart], modalities: Iterable[str]) -> Json:
    """What a study's answer says of these of its parts, which have these Modalities."""
    series: set[str] = set()
    sop_classes: set[str] = set()
    instances = 0
    for part in parts:
        series.add(part.series_instance_uid)
        sop_classes.update(part.sop_classes)
        instances += part.instances
    return {
        **computed("ModalitiesInStudy", *sorted({modality for modality in modalities if modality})),
        **computed("SOPClassesInStudy", *sorted(sop_classes)),
        **computed("NumberOfStudyRelatedSeries", len(series)),
        **computed("NumberOfStudyRelatedInstances", instances),
        **ONLINE,
    }


TAGS = frozenset(of_study((), ()))
"""The tags of all that `of_study` says."""
