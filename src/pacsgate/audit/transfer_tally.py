"""What was to be sent of each study, and what was: the two events of a transfer, joined.

A transfer that ended says how much the receiver took.  One whose second event is missing is
still running, or the process that sent was killed: what is then certain is only what it was about to send.

Called by `pacsgate report transfers`.

Standard: PS3.15 A.5.3.3 (Begin Transferring), A.5.3.7 (Transferred).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from pacsgate.audit.events import AuditEvent, EventKind

UNENDED = "no end on record"
"""The phase of a transfer whose second event is missing."""


@dataclass(frozen=True, slots=True)
class TransferTally:
    """One study on its way to one receiver."""

    at: datetime
    user: str
    recipient: str
    study_instance_uid: str
    begun: int
    done: int | None = None
    """`None`: not known."""
    bytes_sent: int | None = None
    """Of the data sets that the receiver took, without preamble and file meta information."""
    phase: str = UNENDED

    @property
    def is_whole(self) -> bool:
        """Whether all that was begun was done."""
        return self.done == self.begun


def transfers(events: Iterable[AuditEvent]) -> tuple[TransferTally, ...]:
    """Every transfer over DIMSE that began among these events, in their order."""
    found: dict[tuple[str | None, str, str | None], TransferTally] = {}
    for event in events:
        if event.study is None:
            continue
        key = (event.request_id, event.study.study_instance_uid, event.study.patient_id)
        if event.kind is EventKind.TRANSFER_BEGUN:
            found[key] = TransferTally(
                event.at,
                event.actor.name,
                event.recipient or "",
                event.study.study_instance_uid,
                event.count or 0,
            )
        elif event.kind is EventKind.INSTANCES_TRANSFERRED and key in found:
            found[key] = replace(
                found[key],
                done=event.count or 0,
                bytes_sent=event.bytes_sent or 0,
                phase=event.details.get("phase", ""),
            )
    return tuple(found.values())
