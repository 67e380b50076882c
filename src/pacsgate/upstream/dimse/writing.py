"""An archive's object on its way into the spool: a head of the gate's own, and its data set as it came.

Called by `retrieving` and `receiver`.

Invariants:
- what the spool refuses to hold is the archive's fault, and nobody's question.

Standard: PS3.10 7.1.
"""

from pacsgate.dicom.file_meta import part10_head
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import Chunk
from pacsgate.upstream.spool import Incoming, Spool

_MAX_OBJECT_BYTES = 1 << 34
"""Ends an object that would never end; data sets above 4 GiB are hardly written anywhere."""


class Writing:
    """One file in the spool; `incoming` is its maker's to finish or to discard.  Raises `ArchiveError`."""

    def __init__(self, spool: Spool) -> None:
        try:
            self.incoming: Incoming = spool.begin(_MAX_OBJECT_BYTES)
        except RequestError as refused:
            raise _no_room(refused) from refused

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> None:
        """Write what stands before the data set."""
        self.write(part10_head(sop_class_uid, sop_instance_uid, transfer_syntax_uid))

    def write(self, chunk: Chunk) -> None:
        """Append bytes."""
        try:
            self.incoming.write(chunk)
        except RequestError as refused:
            raise _no_room(refused) from refused


def _no_room(refused: RequestError) -> ArchiveError:
    """What the spool refuses to hold cannot be had from the archive."""
    return ArchiveError("the archive's object cannot be received", detail=refused.public)
