"""A stored Part 10 object, taken apart into what its head says and the bytes of its data set.

Called by `sending` and by whoever sends objects over an association of the door's.

Invariants:
- the data set is handed on byte for byte, never decoded;
- nothing is held but the chunk in hand.
"""

from collections.abc import Iterator
from pathlib import Path

from pacsgate.dicom.file_meta import LEAST_BEGINNING, Part10Head, head_size, read_part10_head
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import ByteSource, Chunk
from pacsgate.ports.sending import PresentationContext
from pacsgate.upstream.local_file import LocalFile


class StoredDataSet:
    """The data set of one object.  Iterate once; `bytes_read` then says how long it was."""

    def __init__(self, source: ByteSource | Path) -> None:
        chunks = LocalFile(source, source.stat().st_size) if isinstance(source, Path) else source
        self._chunks = iter(chunks.chunks())
        self._first = b""
        self.head = self._read_head()
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._data_set():
            self.bytes_read += len(chunk)
            yield chunk

    def require(self, context: PresentationContext) -> None:
        """Raise `ArchiveError` unless the object is stored in this transfer syntax."""
        if self.head.transfer_syntax_uid != context.transfer_syntax_uid:
            raise ArchiveError("the archive's object is stored otherwise than the index says")

    def _data_set(self) -> Iterator[Chunk]:
        rest = memoryview(self._first)[self.head.data_set_offset :]
        if rest:
            yield rest
        yield from self._chunks

    def _read_head(self) -> Part10Head:
        try:
            self._read_until(LEAST_BEGINNING)
            self._read_until(head_size(self._first))
            return read_part10_head(self._first)
        except RequestError as damage:
            raise ArchiveError("the archive holds a damaged object", detail=damage.public) from None

    def _read_until(self, size: int) -> None:
        while len(self._first) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise ArchiveError("the archive holds a damaged object", detail="it ends in its head")
            self._first += chunk
