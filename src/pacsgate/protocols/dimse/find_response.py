"""Rows of a C-FIND, as encoded identifiers.

A row has what was asked for, in the order of tags, and nothing else but what every answer has: the
level, who to retrieve it from, the unique keys.  An attribute that a row lacks is there without a
value, for whatever reason it lacks it.

What is the same in all rows of a search is worked out once, and kept for the next search that asks for
the same attributes.  So is a row that comes from the same bytes as one written before: workstations ask
for the newest studies again and again.  Which rows an answer has is found anew each time.

Called by the DICOM door, after masks were applied.

Invariants:
- what is remembered follows from the bytes of a row alone, so that it is as true as they are;
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
from pacsgate.dicom.summary import DicomJson, PackedJson
from pacsgate.model.resource import Level
from pacsgate.protocols.dimse.character_sets import UTF_8, CharacterSet
from pacsgate.protocols.dimse.elements import ENCODINGS, Encoding
from pacsgate.protocols.dimse.find_request import Find, Wanted
from pacsgate.protocols.dimse.identifiers import QUERY_LEVELS
from pacsgate.protocols.dimse.values import CODED_VRS, PADDING, SINGLE_TEXT, Write, inline, writer_of

_CHARACTER_SET = tag_of("SpecificCharacterSet")
_LEVEL = tag_of("QueryRetrieveLevel")
_RETRIEVE_AE = tag_of("RetrieveAETitle")
_LONG_VRS = frozenset(EXPLICIT_VR_LENGTH_32)
_LONGEST_SHORT, _LONGEST = 0xFFFE, 0xFFFFFFFE
"""Bytes of a value whose length has 16 or 32 bits."""
_LONGEST_USUAL = 64
"""Bytes of a value whose head is written beforehand: that of a LO."""
_WRITERS = 16
"""Sorts of search whose writers are remembered: a workstation has one or two."""
_ROWS = 2000
"""Rows remembered by each; 1 to 2 KiB of memory for each."""
_LONGEST_REMEMBERED = 4096
"""Bytes of a row; longer ones have sequences, and are few."""
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
    short_heads: tuple[bytes, ...]
    """The element up to its value, for lengths of 0, 2, 4, … up to `_LONGEST_USUAL`."""
    padding: bytes
    """What pads one text; nothing where it is more than that to write a value."""
    single: Callable[[Any], str | None] | None
    """Reads the one text that a value is, where it is not a text itself."""
    is_coded: bool
    """Whether its text is in the Specific Character Set."""
    inside: tuple["_Column", ...] = ()


def row_writer(
    find: Find, characters: CharacterSet, transfer_syntax_uid: str, retrieve_ae_title: str
) -> "RowWriter":
    """Return what writes the rows of one search."""
    codec = characters.single or _UTF_8
    return _row_writer(find.level, find.wanted, codec, transfer_syntax_uid, retrieve_ae_title)


class RowWriter:
    """Writes the rows of searches that ask for the same attributes; for any number of threads."""

    def __init__(
        self,
        level: Level,
        wanted: Sequence[Wanted],
        codec: tuple[str, str],
        transfer_syntax_uid: str,
        retrieve_ae_title: str,
    ) -> None:
        self._encoding = ENCODINGS[transfer_syntax_uid]
        self._codec = codec
        self._remembered: dict[bytes, bytes] = {}
        named = next(name for name, each in QUERY_LEVELS.items() if each is level)
        fixed = {
            _LEVEL: {"vr": "CS", "Value": [named]},
            _RETRIEVE_AE: {"vr": "AE", "Value": [retrieve_ae_title]},
        }
        columns = [_column(each, self._encoding) for each in (*wanted, *map(Wanted, fixed))]
        self._columns = tuple(
            (column.tag, column, self._written([column], fixed, "ascii") if column.tag in fixed else None)
            for column in sorted(columns, key=lambda column: column.tag)
        )

    def row(self, attributes: DicomJson) -> bytes:
        """Return one row."""
        if not isinstance(attributes, PackedJson):
            return self._written_anew(attributes)
        row = self._remembered.get(attributes.packed)
        if row is None:
            row = self._written_anew(attributes)
            if len(self._remembered) >= _ROWS:
                self._remembered.clear()
            if len(row) <= _LONGEST_REMEMBERED >= len(attributes.packed):
                self._remembered[attributes.packed] = row
        return row

    def _written_anew(self, attributes: DicomJson) -> bytes:
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
            # By far the most values are one text: these are spared the calls that all others take.
            values = element.get("Value")
            text = values[0] if values and column.padding and len(values) == 1 else None
            if text is not None and column.single is not None:
                text = column.single(text)
            if type(text) is not str or not (column.is_coded or text.isascii()):
                parts.append(self._element(column, element, codec))
                continue
            value = text.encode(codec if column.is_coded else "ascii")
            if len(value) & 1:
                value += column.padding
            size = len(value)
            if size <= _LONGEST_USUAL:
                parts += (column.short_heads[size >> 1], value)
            elif size <= column.longest:
                parts += (column.head, column.pack(size), value)
            else:
                parts.append(column.empty)
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


_row_writer = lru_cache(maxsize=_WRITERS)(RowWriter)


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
        tuple(head + length.pack(size) for size in range(0, _LONGEST_USUAL + 2, 2)),
        b" " if vr in SINGLE_TEXT else PADDING.get(vr, b""),
        SINGLE_TEXT.get(vr),
        vr in CODED_VRS or vr == "PN",
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
