"""What several names in one request lead to, as one reach; whether a reach is all of a name; its own keys.

Called by the doors for bodies that name many resources.

Invariants:
- an instance is in the union once, and only if it was in one of the reaches.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from pacsgate.model.resource import Level, ResourceKey
from pacsgate.ports import StudyEntry
from pacsgate.services.resolve import Part, Reach


def united(reaches: Sequence[Reach]) -> Reach:
    """The union of at least one reach, all for the same action and revision."""
    studies: dict[tuple[str, str, str], StudyEntry] = {}
    taken: set[tuple[int, str, str]] = set()
    parts: list[Part] = []
    for reach in reaches:
        for part in reach.parts:
            # Two look-ups of one study are two entries; events and windows tell studies apart by entry.
            found = part.study
            study = studies.setdefault(
                (found.study_instance_uid, found.issuer_of_patient_id, found.patient_id), found
            )
            series_uid = part.series.series_instance_uid
            fresh = tuple(
                instance
                for instance in part.instances
                if (id(study), series_uid, instance.sop_instance_uid) not in taken
            )
            taken.update((id(study), series_uid, instance.sop_instance_uid) for instance in fresh)
            if fresh:
                parts.append(replace(part, study=study, instances=fresh))
    reasons = tuple(dict.fromkeys(reason for reach in reaches for reason in reach.reasons))
    return replace(reaches[0], parts=tuple(parts), reasons=reasons)


def is_all_of(reach: Reach, keys: Sequence[ResourceKey]) -> bool:
    """Whether everything that the index has under `keys`, all of which name one patient's, is in reach."""
    reached = {(study.study_instance_uid, study.patient_id) for study in reach.studies}
    if any((key.study_instance_uid, key.patient_id) not in reached for key in keys):
        return False
    series = {key.series_instance_uid for key in keys}
    instances = {key.sop_instance_uid for key in keys}
    held = sum(
        1
        for study in reach.studies
        for part in study.series
        if series in ({None}, {part.series_instance_uid})
        for instance in part.instances
        if instances in ({None}, {instance.sop_instance_uid})
    )
    return held == reach.instance_count


def keys_at(reach: Reach, level: Level) -> tuple[ResourceKey, ...]:
    """The studies, series or instances in reach by their names; a patient is its studies."""
    match level:
        case Level.PATIENT | Level.STUDY:
            return tuple(
                ResourceKey(study.study_instance_uid, patient_id=study.patient_id) for study in reach.studies
            )
        case Level.SERIES:
            return tuple(series.key for series in reach.by_series)
        case Level.INSTANCE:
            return tuple(part.key_of(instance) for part in reach.parts for instance in part.instances)
        case _:
            assert_never(level)


def largest_keys(reach: Reach) -> tuple[ResourceKey, ...]:
    """Everything in reach by as few names as can be: a study or series of which all is, by its own."""
    keys: list[ResourceKey] = []
    for study in reach.studies:
        parts = tuple(part for part in reach.parts if part.study is study)
        of_study = replace(reach, parts=parts)
        whole = keys_at(of_study, Level.STUDY)
        if is_all_of(of_study, whole):
            keys += whole
            continue
        for series in of_study.by_series:
            of_series = replace(reach, parts=series.parts)
            keys += keys_at(of_series, Level.SERIES if series.is_whole else Level.INSTANCE)
    return tuple(keys)
