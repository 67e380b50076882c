"""Whether an encoded data set goes on to its own end.

pydicom reads a data set that was cut off as far as it goes and says nothing.
Here every element is stepped over by its length, or by its items to their
delimiter, and has to end inside the bytes in hand.  Nothing is read but tags
and lengths.  What is not cut off but odd is left for pydicom to judge.

Called by `reading`.

Standard: PS3.5 section 7.1 (data elements), 7.5 (nesting), A.4 (encapsulation).
"""

import struct
from typing import BinaryIO

from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

_UNDEFINED = 0xFFFFFFFF
_ITEM = (0xFFFE, 0xE000)
_ITEM_END = (0xFFFE, 0xE00D)
_SEQUENCE_END = (0xFFFE, 0xE0DD)
_LONG_VRS = frozenset(vr.encode("ascii") for vr in EXPLICIT_VR_LENGTH_32)


def is_whole(source: BinaryIO, *, implicit_vr: bool, little_endian: bool) -> bool:
    """Whether the data set that begins where `source` stands is complete; `source` is moved."""
    start = source.tell()
    size = source.seek(0, 2)
    source.seek(start)
    walk = _Walk(source, size, "<" if little_endian else ">")
    try:
        walk.elements(implicit_vr=implicit_vr, nested=False)
    except _CutOffError:
        return False
    except _OddError:
        pass
    return True


class _CutOffError(Exception):
    """The bytes end inside an element."""


class _OddError(Exception):
    """Not an encoding that can be stepped through."""


class _Walk:
    def __init__(self, source: BinaryIO, size: int, order: str) -> None:
        self._source = source
        self._size = size
        self._tag = struct.Struct(f"{order}HH")
        self._short = struct.Struct(f"{order}H")
        self._long = struct.Struct(f"{order}L")

    def elements(self, *, implicit_vr: bool, nested: bool) -> None:
        """Step over elements to the end of the bytes, or of the item that they are nested in."""
        while True:
            head = self._source.read(8)
            if not nested and not head.strip(b"\0"):
                return
            if len(head) < 8:
                raise _CutOffError
            tag: tuple[int, int] = self._tag.unpack_from(head)
            if tag == _ITEM_END and nested:
                return
            vr = b"" if implicit_vr else head[4:6]
            if tag[0] == _ITEM[0] or not (implicit_vr or vr.isalpha()):
                raise _OddError
            length = self._length(head, vr)
            if length == _UNDEFINED:
                # PS3.5 6.2.2: a UN of undefined length holds items in implicit VR.
                self._items(implicit_vr=implicit_vr or vr == b"UN")
            else:
                self._step(length)

    def _length(self, head: bytes, vr: bytes) -> int:
        if vr and vr not in _LONG_VRS:
            return int(self._short.unpack_from(head, 6)[0])
        if not vr:
            return int(self._long.unpack_from(head, 4)[0])
        more = self._source.read(4)
        if len(more) < 4:
            raise _CutOffError
        return int(self._long.unpack(more)[0])

    def _items(self, *, implicit_vr: bool) -> None:
        """Step over items, or the fragments of encapsulated pixel data, to their delimiter."""
        while True:
            head = self._source.read(8)
            if len(head) < 8:
                raise _CutOffError
            tag = self._tag.unpack_from(head)
            length = int(self._long.unpack_from(head, 4)[0])
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _OddError
            if length == _UNDEFINED:
                self.elements(implicit_vr=implicit_vr, nested=True)
            else:
                self._step(length)

    def _step(self, length: int) -> None:
        if self._source.tell() + length > self._size:
            raise _CutOffError
        self._source.seek(length, 1)
