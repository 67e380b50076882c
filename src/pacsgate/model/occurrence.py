"""What happens that may bring permissions with it, as rules name it."""

from enum import StrEnum


class OccurrenceKind(StrEnum):
    """What happened."""

    STUDY_ARRIVED = "study-arrived"
    """The first object of a study was stored."""
    SERIES_STORED = "series-stored"
    """No more objects of a series are coming: its association or request ended, or another series began."""
    PROCEDURE_STEP_CREATED = "procedure-step-created"
    """A modality began work (MPPS N-CREATE)."""
    MESSAGE_RECEIVED = "message-received"
    """An HL7 version 2 message came."""

    @property
    def is_claim(self) -> bool:
        """Whether it is what somebody says of a study, and not what the gate itself has seen."""
        return self in {OccurrenceKind.PROCEDURE_STEP_CREATED, OccurrenceKind.MESSAGE_RECEIVED}
