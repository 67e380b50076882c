"""The elements of an encoded data set, found by their tags and lengths and nothing else.

An identifier is the peer's, and small.  So it is stepped through strictly and without
recursion into what its bytes only claim: an element ends inside the bytes in hand, nesting
and number are bounded, and a value is bytes until somebody asks for it as what it should be.

Called by `identifiers` and `data_sets`.

Invariants:
- every value lies within the bytes in hand;
- a tag occurs once in an item.

Standard: PS3.5 section 7.1 (data elements), 7.5 (nesting), 6.2.2 (UN), annex A (transfer syntaxes).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from pacsgate.dicom.attributes import vr_of
from pacsgate.model.errors import RequestError

MAX_BYTES = 1 << 20
"""Of one identifier; ten thousand UIDs take 650,000."""
MAX_ELEMENTS = 4096
"""All items counted; the widest queries seen have some hundred."""
MAX_DEPTH = 8
"""Of sequences; no query of PS3.4 goes deeper than two."""

_UNDEFINED = 0xFFFFFFFF
_ITEM = (0xFFFE, 0xE000)
_ITEM_END = (0xFFFE, 0xE00D)
_SEQUENCE_END = (0xFFFE, 0xE0DD)
_LONG_VRS = frozenset(EXPLICIT_VR_LENGTH_32)
_VRS = frozenset(vr.value for vr in VR if len(vr.value) == 2)


class UnreadableError(RequestError):
    """What came is no data set in the transfer syntax of its presentation context."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the identifier cannot be read: {what}")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a data set is encoded."""

    implicit_vr: bool
    little_endian: bool


ENCODINGS: Mapping[str, Encoding] = {
    ImplicitVRLittleEndian: Encoding(implicit_vr=True, little_endian=True),
    ExplicitVRLittleEndian: Encoding(implicit_vr=False, little_endian=True),
    ExplicitVRBigEndian: Encoding(implicit_vr=False, little_endian=False),
}
"""The transfer syntaxes that identifiers are read and written in."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: bytes, or the items of a sequence."""

    vr: str
    """That of PS3.6; of an element that is not in there, what the data set says."""
    value: bytes = b""
    items: tuple["Elements", ...] = ()


Elements = Mapping[str, Element]
"""By tag (eight upper-case hexadecimal digits), in the order of the data set; without group lengths."""


def read_elements(encoded: bytes, transfer_syntax_uid: str, *, most: int = MAX_ELEMENTS) -> Elements:
    """Find every element, of at most so many.  Raises `UnreadableError`."""
    encoding = ENCODINGS.get(transfer_syntax_uid)
    if encoding is None:
        raise UnreadableError("identifiers in this transfer syntax are not read")
    if len(encoded) > MAX_BYTES:
        raise UnreadableError(f"it has more than {MAX_BYTES} bytes")
    return _Reader(encoded, encoding, most).elements(0, len(encoded), 0, implicit_vr=encoding.implicit_vr)[0]


class _Reader:
    """One pass over one data set."""

    def __init__(self, encoded: bytes, encoding: Encoding, most: int) -> None:
        order = "<" if encoding.little_endian else ">"
        self._bytes = encoded
        self._tag = struct.Struct(f"{order}HH")
        self._short = struct.Struct(f"{order}H")
        self._long = struct.Struct(f"{order}L")
        self._found = 0
        self._most = most

    def elements(
        self, position: int, end: int, depth: int, *, implicit_vr: bool, delimited: bool = False
    ) -> tuple[Elements, int]:
        """The elements up to `end`, or up to the delimiter of their item, and where they end."""
        found: dict[str, Element] = {}
        while position < end:
            self._count()
            tag = self._tag_at(position, end)
            if delimited and tag == _ITEM_END:
                return found, position + 8
            name = f"{tag[0]:04X}{tag[1]:04X}"
            vr, length, position = self._head(name, position, end, implicit_vr=implicit_vr)
            if length == _UNDEFINED or vr == "SQ":
                # PS3.5 6.2.2: a UN of undefined length holds items in implicit VR.
                inner_implicit = implicit_vr or vr == "UN"
                items, position = self._items(position, end, length, depth, implicit_vr=inner_implicit)
                element = Element("SQ", items=items)
            else:
                element = Element(vr, self._bytes[position : position + length])
                position += length
            if name in found:
                raise UnreadableError("an element is there twice")
            if tag[1] != 0:
                found[name] = _by_dictionary(name, element)
        if delimited:
            raise UnreadableError("an item does not end")
        return found, position

    def _head(self, name: str, position: int, end: int, *, implicit_vr: bool) -> tuple[str, int, int]:
        """The VR and length of an element, and where its value begins."""
        if name.startswith("FFFE"):
            raise UnreadableError("an item is where an element should be")
        if implicit_vr:
            vr, length, position = vr_of(name), self._long_at(position + 4, end), position + 8
        else:
            vr = self._bytes[position + 4 : position + 6].decode("latin-1")
            if vr not in _VRS:
                raise UnreadableError("an element has no VR")
            if vr in _LONG_VRS:
                length, position = self._long_at(position + 8, end), position + 12
            else:
                length, position = int(self._short.unpack_from(self._bytes, position + 6)[0]), position + 8
        if length == _UNDEFINED:
            if vr not in {"SQ", "UN"}:
                raise UnreadableError("an element has no length")
        elif length > end - position:
            raise UnreadableError("an element ends beyond its data set")
        return vr, length, position

    def _items(
        self, position: int, end: int, length: int, depth: int, *, implicit_vr: bool
    ) -> tuple[tuple[Elements, ...], int]:
        """The items of a sequence, and where it ends."""
        if depth >= MAX_DEPTH:
            raise UnreadableError(f"sequences are nested deeper than {MAX_DEPTH}")
        delimited = length == _UNDEFINED
        stop = end if delimited else position + length
        items: list[Elements] = []
        while position < stop:
            self._count()
            tag = self._tag_at(position, stop)
            size = self._long_at(position + 4, stop)
            position += 8
            if delimited and tag == _SEQUENCE_END:
                return tuple(items), position
            if tag != _ITEM:
                raise UnreadableError("a sequence holds something else than items")
            if size != _UNDEFINED and size > stop - position:
                raise UnreadableError("an item ends beyond its sequence")
            inner_end = stop if size == _UNDEFINED else position + size
            item, position = self.elements(
                position, inner_end, depth + 1, implicit_vr=implicit_vr, delimited=size == _UNDEFINED
            )
            items.append(item)
        if delimited:
            raise UnreadableError("a sequence does not end")
        return tuple(items), position

    def _count(self) -> None:
        self._found += 1
        if self._found > self._most:
            raise UnreadableError(f"it has more than {self._most} elements")

    def _tag_at(self, position: int, end: int) -> tuple[int, int]:
        if end - position < 8:
            raise UnreadableError("it ends in the middle of an element")
        group, element = self._tag.unpack_from(self._bytes, position)
        return group, element

    def _long_at(self, position: int, end: int) -> int:
        if end - position < 4:
            raise UnreadableError("it ends in the middle of an element")
        return int(self._long.unpack_from(self._bytes, position)[0])


def _by_dictionary(name: str, element: Element) -> Element:
    """The element with the VR that its attribute has; a sequence stays one, and nothing becomes one."""
    vr = vr_of(name)
    if vr in {"UN", element.vr}:
        return element
    if "SQ" in {vr, element.vr}:
        raise UnreadableError(f"`{name}` is not of its VR")
    return Element(vr, element.value)
