"""What is on record of objects sent over DIMSE: that it began, and what was really sent, for each study.

The first event names receiver and number before anything leaves; the second has what the
receiver answered for.  A second event that says less, or is missing, is what
`pacsgate report transfers --mismatch` lists.  What goes to a third party is an export besides.

Called by the DICOM door for C-MOVE and C-GET.

Invariants:
- the bytes are those of the data sets, without preamble and file meta information, of objects that the
  receiver took.

Standard: PS3.15 A.5.3.3 (Begin Transferring), A.5.3.7 (Transferred), A.5.3.6 (Data Export).
"""

from collections.abc import Iterator
from enum import StrEnum

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.model.actions import Action
from pacsgate.ports import StudyEntry
from pacsgate.services.judge_transfer import Transfer
from pacsgate.services.record import Circumstances, study_object
from pacsgate.services.resolve import Part
from pacsgate.services.send_objects import Amount, Progress

_MEDIA = {"media": "network"}


class Phase(StrEnum):
    """How a transfer ended."""

    COMPLETE = "complete"
    CANCELLED = "cancelled"
    BROKEN = "broken"


def begun(circumstances: Circumstances, transfer: Transfer, recipient: str) -> Iterator[AuditEvent]:
    """What must be durable before the first object leaves."""
    for study, parts in _by_study(transfer):
        of_study = study_object(study, parts)
        for kind, details in _kinds(transfer, EventKind.TRANSFER_BEGUN):
            yield circumstances.event(
                kind,
                action=transfer.action,
                study=of_study,
                reasons=transfer.reasons,
                recipient=recipient,
                count=of_study.instances,
                details={**details, "phase": "begun"},
            )


def ended(
    circumstances: Circumstances,
    transfer: Transfer,
    recipient: str,
    progress: Progress,
    phase: Phase,
    cause: str | None,
) -> Iterator[AuditEvent]:
    """What was sent of each study; `cause` says why it is not all."""
    told = {"phase": phase.value} if cause is None else {"phase": phase.value, "cause": cause}
    for study, parts in _by_study(transfer):
        amount = progress.amounts.get(id(study), Amount())
        of_study = study_object(study, parts)
        whole = amount.instances == of_study.instances
        for kind, details in _kinds(transfer, EventKind.INSTANCES_TRANSFERRED):
            yield circumstances.event(
                kind,
                outcome=Outcome.SUCCESS if whole else Outcome.MINOR,
                action=transfer.action,
                study=of_study,
                reasons=transfer.reasons,
                recipient=recipient,
                count=amount.instances,
                bytes_sent=amount.bytes_sent,
                details={**details, **told},
            )


def _by_study(transfer: Transfer) -> Iterator[tuple[StudyEntry, list[Part]]]:
    grouped: dict[int, list[Part]] = {}
    for part in transfer.parts:
        grouped.setdefault(id(part.study), []).append(part)
    return ((parts[0].study, parts) for parts in grouped.values())


def _kinds(transfer: Transfer, kind: EventKind) -> Iterator[tuple[EventKind, dict[str, str]]]:
    yield kind, {}
    if transfer.action is Action.EXPORT:
        yield EventKind.DATA_EXPORTED, _MEDIA
