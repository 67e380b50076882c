"""What a link names: single objects of one archive."""

from dataclasses import dataclass

from pacsgate.model.resource import Level


@dataclass(frozen=True, slots=True)
class SharedObject:
    """One object of a link: Orthanc's name for it, and its UID at its level."""

    level: Level
    orthanc_id: str
    uid: str
