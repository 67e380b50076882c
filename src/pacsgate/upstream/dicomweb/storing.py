"""One object handed to an origin, and what the origin said about it.

Called by `origin`.

Invariants:
- an object counts as stored only if the origin says so by its UID, or answers
  200, which the standard reserves for "all".

Standard: PS3.18 10.5 (Store), table 10.5.3-1 (statuses), Annex I.2 (response); PS3.4 B.2.3, PS3.7 C.
"""

import json
import secrets
from collections.abc import AsyncIterator

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import ArchiveError
from pacsgate.ports import Chunk, StoreOutcome
from pacsgate.protocols.dicomweb.multipart import PART_TAIL, closing, content_type, part_head
from pacsgate.upstream.dicomweb.data_sets import first_string, items_of, read_data_set
from pacsgate.upstream.http.answers import read_bounded
from pacsgate.upstream.http.client import OriginClient
from pacsgate.upstream.local_file import LocalFile

_ANSWERED = frozenset({200, 202, 409})
_MAX_ANSWER_BYTES = 1024 * 1024
_FAILED_SOP_SEQUENCE = "00081198"
_REFERENCED_SOP_SEQUENCE = "00081199"
_REFERENCED_SOP_INSTANCE_UID = "00081155"
_FAILURE_REASON = "00081197"
_DUPLICATE_SOP_INSTANCE = 0x0111


async def store_one(client: OriginClient, file: LocalFile, sop_instance_uid: str) -> StoreOutcome:
    """Send one Part 10 file.  Raises `ArchiveError` unless it was stored or is a duplicate."""
    boundary = secrets.token_hex(16)
    head, tail = part_head(boundary, "application/dicom"), PART_TAIL + closing(boundary)

    async def body() -> AsyncIterator[Chunk]:
        yield head
        async for chunk in file.stream():
            yield chunk
        yield tail

    headers = {
        "Accept": "application/dicom+json",
        "Content-Type": content_type(boundary, "application/dicom"),
        "Content-Length": str(len(head) + (file.size or 0) + len(tail)),
    }
    async with client.request("POST", "/studies", headers=headers, body=body, expected=_ANSWERED) as response:
        answer = await read_bounded(response, _MAX_ANSWER_BYTES)
        return _outcome(response.status, answer, sop_instance_uid)


def _outcome(status: int, answer: bytes, sop_instance_uid: str) -> StoreOutcome:
    try:
        data_set = read_data_set(json.loads(answer))
    except (ValueError, ArchiveError):
        if status == 200:
            return StoreOutcome.STORED
        raise ArchiveError(
            "the archive did not take the object", detail=f"status {status}, no reason"
        ) from None
    if (failure := _item_about(data_set, _FAILED_SOP_SEQUENCE, sop_instance_uid)) is not None:
        reason = (failure.get(_FAILURE_REASON, {}).get("Value") or [None])[0]
        if reason == _DUPLICATE_SOP_INSTANCE:
            return StoreOutcome.CONFLICT
        raise ArchiveError(
            "the archive did not take the object", detail=f"status {status}, failure reason {reason}"
        )
    if _item_about(data_set, _REFERENCED_SOP_SEQUENCE, sop_instance_uid) is None:
        raise ArchiveError(
            "the archive did not take the object", detail=f"status {status}, object not mentioned"
        )
    return StoreOutcome.STORED


def _item_about(data_set: DicomJson, sequence: str, sop_instance_uid: str) -> DicomJson | None:
    for item in items_of(data_set, sequence):
        if first_string(item, _REFERENCED_SOP_INSTANCE_UID) == sop_instance_uid:
            return item
    return None
