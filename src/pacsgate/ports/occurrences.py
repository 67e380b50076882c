"""What happens that may bring permissions with it: a study arrives, a series is complete, an order comes in.

The doors and use cases that store or receive tell of it; `services` turns it into grants by the rules of
the policy file and by dcm4chee's stylesheets.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydicom.dataset import Dataset

from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject

__all__ = ["Occurrence", "OccurrenceKind", "Occurrences"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One thing that happened, and what is known of it."""

    kind: OccurrenceKind
    scope: TenantScope
    archive: ArchiveName
    at: datetime
    source: str
    """Name of it in the record: a StudyInstanceUID, the UID of a procedure step, a message's MSH-10."""
    subject: Subject
    """Who stored or sent it."""
    calling_ae_title: str | None = None
    """Of who stored or sent, as its association gave it."""
    study_instance_uid: str | None = None
    data_set: Dataset | None = None
    """Patient, study and series attributes (of a series), or the procedure step; with what its order adds."""
    message: bytes | None = None
    """The HL7 message, as it came."""


class Occurrences(Protocol):
    """Whoever wants to hear of what happens."""

    def happened(self, occurrence: Occurrence) -> None:
        """Take note.  Called from a thread; never raises: what fails here grants nothing and is recorded."""
        ...
