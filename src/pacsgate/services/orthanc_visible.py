"""What of one resource a subject may know: its visible children, and whether anything of it is hidden.

Called by the Orthanc door with what `orthanc_reach` found.

Invariants:
- nothing in a `Visible` tells of a part that is not in reach, but that there is one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_

from pacsgate.model.mask import Mask
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.resolve import Part

CHILDREN = {Level.PATIENT: Level.STUDY, Level.STUDY: Level.SERIES, Level.SERIES: Level.INSTANCE}
"""The level below each that has one."""
_PARENTS = {below: above for above, below in CHILDREN.items()}


@dataclass(frozen=True, slots=True)
class Visible:
    """The visible part of one resource.  `is_whole` says whether that is all of it."""

    level: Level
    orthanc_id: str
    parts: tuple[Part, ...]
    is_whole: bool

    @property
    def mask(self) -> Mask:
        """What every part hides: so much of what all parts share."""
        return reduce(and_, (part.mask for part in self.parts))

    @property
    def is_even(self) -> bool:
        """Whether every part hides the same, so that it does not matter from which of them a value is."""
        return all(part.mask == self.parts[0].mask for part in self.parts)

    @property
    def speaker(self) -> tuple[str, Mask]:
        """The instance whose header speaks for the visible part, and what is hidden in it."""
        part = self.parts[0]
        return id_at(part, Level.INSTANCE, part.instances[0].sop_instance_uid), part.mask

    @property
    def parent(self) -> str | None:
        """The identifier of what is one level above; `None` for a patient."""
        above = _PARENTS.get(self.level)
        return None if above is None else id_at(self.parts[0], above)

    def ids(self, level: Level) -> tuple[str, ...]:
        """The identifiers of everything visible at a level, at or below or above its own, in order."""
        return tuple(dict.fromkeys(_ids(self.parts, level)))

    def below(self, level: Level) -> "tuple[Visible, ...]":
        """The visible part of each thing at a lower level."""
        grouped: dict[str, list[Part]] = {}
        for part in self.parts:
            for identifier, at_level in _split(part, level):
                grouped.setdefault(identifier, []).append(at_level)
        return tuple(
            Visible(level, identifier, tuple(parts), _is_whole(level, parts))
            for identifier, parts in grouped.items()
        )


def visible(level: Level, identifier: str, parts: tuple[Part, ...], *, studies: int = 1) -> Visible:
    """The visible part of what was reached; `studies` is how many a patient has, hidden ones among them."""
    return Visible(level, identifier, parts, _is_whole(level, parts, studies))


def is_above(level: Level, other: Level) -> bool:
    """Whether a level is higher than another."""
    levels = tuple(Level)
    return levels.index(level) < levels.index(other)


def id_at(part: Part, level: Level, sop_instance_uid: str = "") -> str:
    """The identifier of what a part belongs to at a level, or of one of its instances."""
    study = part.study
    uids = {
        Level.PATIENT: (),
        Level.STUDY: (study.study_instance_uid,),
        Level.SERIES: (study.study_instance_uid, part.series.series_instance_uid),
        Level.INSTANCE: (study.study_instance_uid, part.series.series_instance_uid, sop_instance_uid),
    }[level]
    return orthanc_id(study.patient_id, *uids)


def _ids(parts: Iterable[Part], level: Level) -> Iterable[str]:
    for part in parts:
        if level is Level.INSTANCE:
            for instance in part.instances:
                yield id_at(part, level, instance.sop_instance_uid)
        else:
            yield id_at(part, level)


def _split(part: Part, level: Level) -> Iterable[tuple[str, Part]]:
    if level is not Level.INSTANCE:
        yield id_at(part, level), part
        return
    for instance in part.instances:
        alone = Part(part.study, part.series, (instance,), part.mask)
        yield id_at(part, level, instance.sop_instance_uid), alone


def _is_whole(level: Level, parts: Iterable[Part], studies: int = 1) -> bool:
    """Whether the parts are all that there is of the one thing that they are parts of."""
    held = tuple(parts)
    touched = {id(part.study): part.study for part in held}
    if level is Level.INSTANCE:
        return True
    if level is Level.PATIENT and len(touched) < studies:
        return False
    uids = {part.series.series_instance_uid for part in held}
    everything = sum(
        len(series.instances)
        for study in touched.values()
        for series in study.series
        if level is not Level.SERIES or series.series_instance_uid in uids
    )
    return everything == sum(len(part.instances) for part in held)
