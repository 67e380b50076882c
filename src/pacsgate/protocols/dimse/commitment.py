"""Storage commitment: what is asked for, and what is reported.

Called by `pacsgate.gateway.dimse`.

Standard: PS3.4 J.3.2 (request), J.3.3 (report), J.3.5 (well-known instance).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from pacsgate.dicom.uids import require_uid
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.statuses import Status

WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"
REQUEST_COMMITMENT = 1
"""Action Type ID."""
ALL_COMMITTED, SOME_FAILED = 1, 2
"""Event Type IDs."""
MAX_REFERENCES = 10_000


@dataclass(frozen=True, slots=True)
class Reference:
    """One object that is to be kept."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """The Action Information of a request."""

    transaction_uid: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that is not promised to be kept, and why: a status."""

    reference: Reference
    reason: Status


def read_request(data_set: Dataset) -> CommitmentRequest:
    """Read an Action Information; an object that is named twice counts once.  Raises `RequestError`."""
    references = tuple(dict.fromkeys(_references(data_set.get("ReferencedSOPSequence") or ())))
    if not references:
        raise RequestError("`ReferencedSOPSequence` names no object")
    if len(references) > MAX_REFERENCES:
        raise RequestError(f"more than {MAX_REFERENCES} objects in one request", status=413)
    return CommitmentRequest(_uid(data_set, "TransactionUID"), references)


def report(
    request: CommitmentRequest, committed: Sequence[Reference], failed: Sequence[Failure]
) -> tuple[int, Dataset]:
    """The Event Type ID and the Event Information."""
    information = Dataset()
    information.TransactionUID = request.transaction_uid
    if committed:
        information.ReferencedSOPSequence = [_item(reference) for reference in committed]
    if failed:
        information.FailedSOPSequence = [_failed(failure) for failure in failed]
    return SOME_FAILED if failed else ALL_COMMITTED, information


def _references(items: Iterable[Dataset]) -> Iterator[Reference]:
    for item in items:
        yield Reference(_uid(item, "ReferencedSOPClassUID"), _uid(item, "ReferencedSOPInstanceUID"))


def _uid(data_set: Dataset, keyword: str) -> str:
    return require_uid(str(data_set.get(keyword) or ""), keyword)


def _item(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    return item


def _failed(failure: Failure) -> Dataset:
    item = _item(failure.reference)
    item.FailureReason = int(failure.reason)
    return item
