"""One object handed to an archive by C-STORE, and what the archive said about it.

Called by `archive`.

Standard: PS3.4 B.2.3 (statuses of C-STORE).
"""

import hashlib
from pathlib import Path

from pydicom.tag import BaseTag

from pacsgate.dicom.reading import UNREADABLE, read_object
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import StoreOutcome
from pacsgate.ports.sending import PresentationContext
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.association_pool import AssociationPool
from pacsgate.upstream.dimse.negotiation import Proposal
from pacsgate.upstream.dimse.sending import PeerSending
from pacsgate.upstream.dimse.stored_objects import StoredDataSet

_WARNINGS = range(0xB000, 0xC000)
"""Stored, with something coerced or left out."""
_DAMAGE: tuple[type[Exception], ...] = (RequestError, *UNREADABLE)
_GROUP_LENGTH = 0x0000
_DATA_SET_TRAILING_PADDING = 0xFFFCFFFC
_FULL = range(0xA700, 0xA800)


def store_object(pool: AssociationPool, spooled: Path, sop_instance_uid: str) -> StoreOutcome:
    """Send one Part 10 file.  Raises `ArchiveError` unless it was stored or is a duplicate."""
    head = StoredDataSet(spooled).head
    context = PresentationContext(head.sop_class_uid, head.transfer_syntax_uid)
    proposals = [Proposal(context.sop_class_uid, (context.transfer_syntax_uid,))]
    with pool.borrowed(proposals) as association:
        sent = PeerSending(association).send(spooled, context=context, sop_instance_uid=sop_instance_uid)
    if sent.status == Status.SUCCESS or sent.status in _WARNINGS:
        return StoreOutcome.STORED
    if sent.status == Status.DUPLICATE_SOP_INSTANCE:
        return StoreOutcome.CONFLICT
    if sent.status in _FULL:
        raise ArchiveError("the archive is full")
    raise ArchiveError("the archive did not take the object", detail=f"status {sent.status:04X}")


def same_object(held: Path, offered: Path) -> bool:
    """Whether two files hold the same object: its data sets agree to the byte, or element by element.

    Archives may write a stored data set anew: other lengths of sequences, no group lengths, no padding.
    """
    return _digest(held) == _digest(offered) or _elements(held) == _elements(offered)


def _digest(path: Path) -> tuple[str, bytes]:
    data_set, sha256 = StoredDataSet(path), hashlib.sha256()
    for chunk in data_set:
        sha256.update(chunk)
    return data_set.head.transfer_syntax_uid, sha256.digest()


def _elements(path: Path) -> dict[BaseTag, object]:
    """The values of a data set; dcmtk also makes `OW` of an `OB`."""
    try:
        with path.open("rb") as file:
            data_set = read_object(file)
            return {
                element.tag: element.value
                for element in data_set
                if element.tag.element != _GROUP_LENGTH and element.tag != _DATA_SET_TRAILING_PADDING
            }
    except _DAMAGE:
        raise ArchiveError("the archive holds a damaged object") from None
