"""The object of one C-STORE while it arrives: into the spool as it comes, as a Part 10 file.

Its bytes are written as they are received, between a file head of our own and
nothing: they are not decoded and encoded again, and memory holds one fragment.

Made by `messages` on the thread that reads the association; given to the
handler of C-STORE when the last fragment is there.

Invariants:
- a file that no archive took is gone after `discard`;
- an object that cannot be received says so at its end: its sender's remaining fragments are read and dropped.

Standard: PS3.7 9.3.1 (C-STORE protocol); PS3.10 7.1.
"""

from pynetdicom.dimse_primitives import C_STORE

from pacsgate.dicom.file_meta import part10_head
from pacsgate.dicom.uids import require_uid
from pacsgate.model.errors import RequestError
from pacsgate.upstream.spool import MAX_OBJECT_BYTES, Incoming, Spool, SpooledFile


class IncomingObject:
    """One data set on its way into `spool`."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._file: Incoming | None = None
        self._refused: RequestError | None = None
        self.data_set_offset = 0
        """Where in the file the data set begins."""

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> None:
        """Write what stands before the data set."""
        try:
            head = part10_head(
                require_uid(sop_class_uid, "AffectedSOPClassUID"),
                require_uid(sop_instance_uid, "AffectedSOPInstanceUID"),
                transfer_syntax_uid,
            )
            self._file = self._spool.begin(MAX_OBJECT_BYTES)
        except RequestError as error:
            self._refused = error
        else:
            self.data_set_offset = len(head)
            self.write(head)

    def write(self, fragment: bytes | memoryview) -> None:
        """Append a fragment; once something is wrong, the rest is dropped."""
        if self._file is None or self._refused is not None:
            return
        try:
            self._file.write(fragment)
        except RequestError as error:
            self._refused = error
            self.discard()

    def finish(self) -> SpooledFile:
        """The whole file, which stays until it is taken or discarded.  Raises `RequestError`."""
        if self._refused is not None:
            raise self._refused
        if self._file is None:
            raise RequestError("no object was sent")
        return self._file.finish()

    def discard(self) -> None:
        """Remove what no archive took."""
        if self._file is not None:
            self._file.__exit__(None, None, None)
            self._file = None


class SpooledStore(C_STORE):
    """A C-STORE request whose data set waits in the spool, and not in memory."""

    incoming: IncomingObject | None = None
    """`None` where the request announced no data set."""

    @property
    def is_valid_request(self) -> bool:
        """Whether the command set has what it must; a missing data set is answered by a status."""
        return None not in {self.MessageID, self.AffectedSOPClassUID, self.AffectedSOPInstanceUID}
