"""What somebody who is told "yes" must do besides: hide attributes, and keep to the allowed parts.

The gate's own doors carry this out themselves, part by part.  Another enforcement
point is told: the attributes that any allowed part hides, and, unless everything
that was named is allowed, the parts that are, each as large as it can be named.

Called by the AuthZEN door.

Invariants:
- what is left out is not named, nor counted.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import StudyEntry
from pacsgate.services.resolve import Part, Reach


def common_mask(reach: Reach) -> Mask:
    """What any part hides."""
    return reduce(or_, (part.mask for part in reach.parts), NO_MASK)


def only_parts(reach: Reach, named: ResourceKey | None) -> tuple[ResourceKey, ...]:
    """The allowed parts, unless all that was named is; a patient (`None`) is always told by its parts."""
    if named is not None and _is_whole(reach, named):
        return ()
    return tuple(key for study in reach.studies for key in _keys(study, reach))


def _is_whole(reach: Reach, named: ResourceKey) -> bool:
    reached = {id(part.series) for part in reach.parts}
    if named.sop_instance_uid is not None:
        return True
    return all(
        id(series) in reached
        for study in reach.studies
        for series in study.series
        if named.series_instance_uid in {None, series.series_instance_uid}
    )


def _keys(study: StudyEntry, reach: Reach) -> Iterator[ResourceKey]:
    parts = [part for part in reach.parts if part.study is study]
    if len(parts) == len(study.series):
        yield ResourceKey(study.study_instance_uid)
        return
    by_series: dict[str, list[Part]] = {}
    for part in parts:
        by_series.setdefault(part.series.series_instance_uid, []).append(part)
    for uid, allowed in by_series.items():
        if len(allowed) == sum(series.series_instance_uid == uid for series in study.series):
            yield ResourceKey(study.study_instance_uid, uid)
        else:
            yield from (part.key_of(instance) for part in allowed for instance in part.instances)
