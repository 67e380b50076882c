"""Whoever keeps the procedure steps of modalities: a RIS, or another archive.

Standard: PS3.4 annex F (Modality Performed Procedure Step).
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What the SCP answered: its status, and the data set of its response, encoded as the request's was."""

    status: int
    attributes: bytes | None = None


class ProcedureSteps(Protocol):
    """An SCP of procedure steps, to which messages are handed on as they came.

    `encoded` is the data set of the request in the transfer syntax named.  Raises `ArchiveError` when
    the SCP is gone, silent, or takes no such messages.
    """

    def create(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        """Hand on an N-CREATE."""
        ...

    def change(self, sop_instance_uid: str, encoded: bytes, transfer_syntax_uid: str) -> StepAnswer:
        """Hand on an N-SET."""
        ...
