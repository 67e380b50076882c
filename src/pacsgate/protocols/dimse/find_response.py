"""Rows of a C-FIND, as encoded identifiers.

A row has what was asked for, in the order of tags, and nothing else but what every answer has: the
level, who to retrieve it from, the unique keys.  An attribute that a row lacks is there without a
value, for whatever reason it lacks it.

What is the same in all rows of a search is worked out once.

Called by the DICOM door, after masks were applied.

Invariants:
- every row is a whole data set in the transfer syntax of its presentation context;
- text is in the character set that the row names, in ASCII if it names none.

Standard: PS3.4 C.4.1.1.3.2 (identifier of a response); PS3.5 section 7.1, annex A.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.summary import DicomJson
from pacsgate.protocols.dimse.character_sets import UTF_8, CharacterSet
from pacsgate.protocols.dimse.elements import ENCODINGS, Encoding
from pacsgate.protocols.dimse.find_request import Find, Wanted
from pacsgate.protocols.dimse.identifiers import QUERY_LEVELS
from pacsgate.protocols.dimse.values import CODED_VRS, PADDING, Write, inline, writer_of

_CHARACTER_SET = tag_of("SpecificCharacterSet")
_LEVEL = tag_of("QueryRetrieveLevel")
_RETRIEVE_AE = tag_of("RetrieveAETitle")
_LONG_VRS = frozenset(EXPLICIT_VR_LENGTH_32)
_LONGEST_SHORT, _LONGEST = 0xFFFE, 0xFFFFFFFE
"""Bytes of a value whose length has 16 or 32 bits."""
_UTF_8 = (UTF_8, "utf_8")


@dataclass(frozen=True, slots=True)
class _Column:
    """One attribute of all rows: how it is written."""

    tag: str
    vr: str
    write: Write
    empty: bytes
    """The element without a value."""
    head: bytes
    """The element up to its length."""
    pack: Callable[[int], bytes]
    """Writes its length."""
    longest: int
    padding: bytes
    """What pads one text; nothing where it is more than that to write a value."""
    is_coded: bool
    """Whether its text is in the Specific Character Set."""
    inside: tuple["_Column", ...] = ()


class RowWriter:
    """Writes the rows of one search."""

    def __init__(
        self, find: Find, characters: CharacterSet, transfer_syntax_uid: str, retrieve_ae_title: str
    ) -> None:
        self._encoding = ENCODINGS[transfer_syntax_uid]
        self._codec = characters.single or _UTF_8
        level = next(name for name, level in QUERY_LEVELS.items() if level is find.level)
        fixed = {
            _LEVEL: {"vr": "CS", "Value": [level]},
            _RETRIEVE_AE: {"vr": "AE", "Value": [retrieve_ae_title]},
        }
        columns = [_column(wanted, self._encoding) for wanted in (*find.wanted, *map(Wanted, fixed))]
        self._columns = tuple(
            (column.tag, column, self._written([column], fixed, "ascii") if column.tag in fixed else None)
            for column in sorted(columns, key=lambda column: column.tag)
        )

    def row(self, attributes: DicomJson) -> bytes:
        """Return one row."""
        held = dict(attributes.items())
        try:
            return self._row(held, "ascii", b"")
        except UnicodeEncodeError:
            pass
        term, codec = self._codec
        try:
            return self._row(held, codec, self._named(term))
        except UnicodeEncodeError:
            return self._row(held, _UTF_8[1], self._named(_UTF_8[0]))

    def _row(self, held: DicomJson, codec: str, named: bytes) -> bytes:
        # Nothing that is asked for has a lower tag than the character set.
        parts = [named]
        for tag, column, fixed in self._columns:
            if fixed is not None:
                parts.append(fixed)
                continue
            element = held.get(tag)
            if element is None:
                parts.append(column.empty)
                continue
            values = element.get("Value")
            text = values[0] if values and column.padding and len(values) == 1 else None
            if type(text) is not str or not (column.is_coded or text.isascii()):
                parts.append(self._element(column, element, codec))
                continue
            # By far the most values are one text: these are spared the calls that all others take.
            value = text.encode(codec if column.is_coded else "ascii")
            if len(value) & 1:
                value += column.padding
            size = len(value)
            parts += (column.head, column.pack(size), value) if size <= column.longest else (column.empty,)
        return b"".join(parts)

    def _written(self, columns: Sequence[_Column], held: DicomJson, codec: str) -> bytes:
        """The elements of an item."""
        return b"".join(self._element(column, held.get(column.tag), codec) for column in columns)

    def _element(self, column: _Column, element: Mapping[str, Any] | None, codec: str) -> bytes:
        if element is None or column.vr == "SQ" or not element.get("Value"):
            return self._other(column, element, codec)
        value = column.write(element["Value"], codec)
        return column.head + column.pack(len(value)) + value if len(value) <= column.longest else column.empty

    def _other(self, column: _Column, element: Mapping[str, Any] | None, codec: str) -> bytes:
        """A sequence, bytes, or nothing."""
        if element is None:
            return column.empty
        if column.vr == "SQ":
            items = element.get("Value", ())
            value = b"".join(self._item(column, item or {}, codec) for item in items)
        elif "InlineBinary" in element and self._encoding.little_endian:
            value = inline(element["InlineBinary"])
        else:
            return column.empty
        return column.head + column.pack(len(value)) + value if len(value) <= column.longest else column.empty

    def _item(self, column: _Column, item: DicomJson, codec: str) -> bytes:
        columns = column.inside or tuple(_column(Wanted(tag), self._encoding) for tag in sorted(item))
        body = self._written(columns, item, codec)
        order = "<" if self._encoding.little_endian else ">"
        return struct.pack(f"{order}HHL", 0xFFFE, 0xE000, len(body)) + body

    def _named(self, term: str) -> bytes:
        column = _column(Wanted(_CHARACTER_SET), self._encoding)
        return self._element(column, {"vr": "CS", "Value": [term]}, "ascii")


@lru_cache(maxsize=4096)
def _column(wanted: Wanted, encoding: Encoding) -> _Column:
    """Remembered, because clients ask for the same attributes again and again."""
    vr = vr_of(wanted.tag)
    head, length = _head(wanted.tag, vr, encoding)
    return _Column(
        wanted.tag,
        vr,
        writer_of(vr, little_endian=encoding.little_endian),
        head + length.pack(0),
        head,
        length.pack,
        _LONGEST_SHORT if length.size == 2 else _LONGEST,
        PADDING.get(vr, b""),
        vr in CODED_VRS,
        tuple(_column(inner, encoding) for inner in wanted.inside),
    )


def _head(tag: str, vr: str, encoding: Encoding) -> tuple[bytes, struct.Struct]:
    """The beginning of an element, and how its length is written."""
    order = "<" if encoding.little_endian else ">"
    numbers = struct.pack(f"{order}HH", int(tag[:4], 16), int(tag[4:], 16))
    if encoding.implicit_vr:
        return numbers, struct.Struct(f"{order}L")
    if vr in _LONG_VRS:
        return numbers + vr.encode("ascii") + b"\0\0", struct.Struct(f"{order}L")
    return numbers + vr.encode("ascii"), struct.Struct(f"{order}H")
