"""What became of each object of a STOW-RS request.

Called by the HTTP gateway with the outcome of every object that arrived.

Standard: PS3.18 10.5.3 and table 10.5.3-1 (statuses), Annex I (response module);
the failure reasons are those of PS3.4 B.2.3 and PS3.7 Annex C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.bulk_uris import resource_url


class FailureReason(IntEnum):
    """Why an object was not stored; goes into an answer in decimal."""

    PROCESSING_FAILURE = 0x0110
    """272: something on our side went wrong."""
    DUPLICATE_SOP_INSTANCE = 0x0111
    """273: another object with this SOP Instance UID is there; nothing is ever overwritten."""
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    """290: the archive does not take this kind of object."""
    NOT_AUTHORIZED = 0x0124
    """292: the sender may not store this object here."""
    OUT_OF_RESOURCES = 0xA700
    """42752: no room, or too large."""
    DATA_SET_DOES_NOT_MATCH = 0xA900
    """43264: the object is of another study than the one it was sent to, or contradicts itself."""
    CANNOT_UNDERSTAND = 0xC000
    """49152: the bytes are not a DICOM object."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is in the archive, now or already before."""

    key: ResourceKey
    sop_class_uid: str


@dataclass(frozen=True, slots=True)
class NotStored:
    """An object that is not; the UIDs are `None` if they could not be read."""

    reason: FailureReason
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None


StoreResult = Stored | NotStored
_Elements = dict[str, Mapping[str, Any]]


def store_status(results: Sequence[StoreResult]) -> int:
    """Return 200 if all are stored, 409 if none is, else 202."""
    stored = sum(isinstance(result, Stored) for result in results)
    if stored == 0:
        return 409
    return 200 if stored == len(results) else 202


def store_response(results: Sequence[StoreResult], root: str) -> _Elements:
    """Return the Store Instances Response Module.  `root` is the mount without a trailing slash."""
    stored = [result for result in results if isinstance(result, Stored)]
    failed = [result for result in results if isinstance(result, NotStored)]
    studies = {result.key.study_instance_uid for result in stored}
    url = resource_url(root, ResourceKey(*studies)) if len(studies) == 1 else None
    sequences = {
        "ReferencedSOPSequence": [_stored(result, root) for result in stored],
        "FailedSOPSequence": [_failed(result) for result in failed if result.sop_instance_uid is not None],
        "OtherFailuresSequence": [_failed(result) for result in failed if result.sop_instance_uid is None],
    }
    return _elements({"RetrieveURL": url, **{name: items for name, items in sequences.items() if items}})


def _stored(result: Stored, root: str) -> _Elements:
    return _elements(
        {
            "ReferencedSOPClassUID": result.sop_class_uid,
            "ReferencedSOPInstanceUID": result.key.sop_instance_uid,
            "RetrieveURL": resource_url(root, result.key),
        }
    )


def _failed(result: NotStored) -> _Elements:
    if result.sop_instance_uid is None:
        return _elements({"FailureReason": int(result.reason)})
    return _elements(
        {
            "ReferencedSOPClassUID": result.sop_class_uid,
            "ReferencedSOPInstanceUID": result.sop_instance_uid,
            "FailureReason": int(result.reason),
        }
    )


def _elements(values: Mapping[str, Any]) -> _Elements:
    """Return a data set in tag order; `None` is an element without a value, a list is a sequence."""
    elements: _Elements = {}
    for keyword, value in values.items():
        listed = value if isinstance(value, list) else [] if value is None else [value]
        elements[tag_of(keyword)] = {"vr": vr_of(keyword), **({"Value": listed} if listed else {})}
    return dict(sorted(elements.items()))
