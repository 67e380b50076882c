"""Data sets in the DICOM JSON Model.

`to_json` writes what can be written and leaves out what cannot: an element whose
bytes cannot be read as its VR is absent, a value that JSON has no word for (NaN,
infinity) is `null`.  Nothing is repaired or guessed, so a policy sees a broken
attribute as a missing one.  Group lengths and groups 0000 and 0002 do not belong
in the model.  Text is Unicode, so SpecificCharacterSet always reads `ISO_IR 192`.

Binary values longer than `INLINE_LIMIT`, and pixel data of any length, become a
`BulkDataURI` that the caller makes from the path of the element, or are absent
if the caller makes none.  An element of a purely binary VR that is present
without a value counts as bulk that was left out when its data set was read; one
of unknown VR does if its value is `LEFT_OUT`.

Called by `summarise` and by the doors for metadata.

Standard: PS3.18 Annex F.
"""

import base64
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from pacsgate.dicom.person_names import GROUPS
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.model.errors import RequestError

TagPath = tuple[str, ...]
"""Where an element is: tags, with the number of the item (from 1, as in PS3.19) after each sequence."""

Encoding = str | tuple[str, ...]
"""Python's names of the character sets of a data set."""

BulkUri = Callable[[TagPath], str]
"""Makes the URI of the bulk data at a path."""

INLINE_LIMIT = 1024
"""Bytes of a binary value that are still written into the model."""
MAX_DEPTH = 32
"""Of nested sequences; real objects (SR, enhanced multi-frame) stay below 15."""

_CHARACTER_SET_TAG = 0x00080005
UTF_8 = "ISO_IR 192"
_SHORT_BYTES = 128
_STANDING_ALONE = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM"}
    | {"UC", "UI", "UL", "UR", "US", "UT"}
)
"""VRs whose values depend on nothing but their bytes, byte order and character sets."""
_PUBLIC_VRS = {tag: row[0] for tag, row in DicomDictionary.items() if tag != _CHARACTER_SET_TAG}
PIXEL_TAGS = frozenset({"7FE00008", "7FE00009", "7FE00010"})
"""Float, double float and integer pixel data."""
INTEGER_VRS = frozenset({"IS", "SL", "SS", "SV", "UL", "US", "UV"})
FLOAT_VRS = frozenset({"DS", "FD", "FL"})
BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


class _LeftOut(bytes):
    """No bytes, and not because there are none."""


LEFT_OUT = _LeftOut()
"""The value of an element of unknown VR (UN) whose value was not read."""

_WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_MAX_JSON_INTEGER = 2**53 - 1
"""Beyond, JavaScript rounds; PS3.18 table F.2.3-1 allows a string instead."""


def to_json(dataset: Dataset, bulk_uri: BulkUri | None = None) -> dict[str, dict[str, Any]]:
    """The data set in the DICOM JSON Model, in tag order.

    Raises `RequestError` for sequences nested deeper than `MAX_DEPTH`, and for nothing else.
    """
    big_endian = dataset.original_encoding[1] is False
    return _Writer(bulk_uri, big_endian=big_endian).dataset(dataset, ())


def little_endian(value: bytes, vr: str, *, big_endian: bool) -> bytes:
    """A binary value in the byte order of model and bulk data, whatever its file had (PS3.18 F.2.7)."""
    width = _WORD_BYTES.get(vr, 1)
    if not big_endian or width == 1 or len(value) % width:
        return value
    return np.frombuffer(value, dtype=f"u{width}").byteswap().tobytes()


class _Writer:
    """One pass over one data set."""

    def __init__(self, bulk_uri: BulkUri | None, *, big_endian: bool) -> None:
        self._bulk_uri = bulk_uri
        self._big_endian = big_endian

    def dataset(self, dataset: Dataset, path: TagPath) -> dict[str, dict[str, Any]]:
        if len(path) > 2 * MAX_DEPTH:
            raise RequestError(f"sequences are nested deeper than {MAX_DEPTH} levels")
        written: dict[str, dict[str, Any]] = {}
        encoding = _encoding_of(dataset)
        # Tags as text: comparing those of pydicom costs more than reading their elements.
        for tag, name in sorted((int(tag), f"{tag:08X}") for tag in dataset.keys()):  # noqa: SIM118 - iterating it reads
            if name[:4] in {"0000", "0002"} or name[4:] == "0000":
                continue
            element = self._element(dataset, BaseTag(tag), (*path, name), encoding)
            if element is not None:
                written[name] = element
        return written

    def _element(
        self, dataset: Dataset, tag: BaseTag, path: TagPath, encoding: Encoding
    ) -> dict[str, Any] | None:
        try:
            raw: object = dataset.get_item(tag, keep_deferred=True)
            if encoding and isinstance(raw, RawDataElement) and _stands_alone(raw):
                known = _written_alone(tag, raw.VR, raw.value or b"", raw.is_little_endian, encoding)
                if known is not None:
                    return known
            element = dataset[tag]
            if element.VR == "SQ":
                return self._sequence(element, path)
            if element.VR in BINARY_VRS or isinstance(element.value, bytes):
                return self._binary(element, path)
            return _written(element)
        except UNREADABLE:
            return None

    def _sequence(self, element: DataElement, path: TagPath) -> dict[str, Any]:
        items = [
            self.dataset(item, (*path, str(number))) for number, item in enumerate(element.value or (), 1)
        ]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}

    def _binary(self, element: DataElement, path: TagPath) -> dict[str, Any] | None:
        # An ambiguous VR (`US or SS`) that could not be resolved is only known as bytes.
        vr = str(element.VR) if element.VR in BINARY_VRS else "UN"
        value: bytes = element.value or b""
        is_pixels = path[-1] in PIXEL_TAGS
        left_out = not value and (vr != "UN" or element.value is LEFT_OUT)
        if is_pixels or left_out or len(value) > INLINE_LIMIT:
            return {"vr": vr, "BulkDataURI": self._bulk_uri(path)} if self._bulk_uri else None
        if not value:
            return {"vr": vr}
        little = little_endian(value, vr, big_endian=self._big_endian)
        return {"vr": vr, "InlineBinary": base64.b64encode(little).decode("ascii")}


def _encoding_of(dataset: Dataset) -> Encoding:
    """The character sets in which pydicom will read a data set that came from somewhere; empty for others."""
    named = dataset.original_character_set or ()
    return named if isinstance(named, str) else tuple(named)


def _stands_alone(raw: RawDataElement) -> bool:
    """Whether the bytes of an element say everything about it, and others are likely to have the same."""
    return (
        raw.value is not None
        and len(raw.value) <= _SHORT_BYTES
        and (_PUBLIC_VRS.get(raw.tag) if raw.VR is None else raw.VR) in _STANDING_ALONE
    )


@lru_cache(maxsize=8192)
def _written_alone(
    tag: BaseTag,
    vr: str | None,
    value: bytes,
    is_little_endian: bool,  # noqa: FBT001 - part of what is remembered
    encoding: Encoding,
) -> dict[str, Any] | None:
    """An element by its bytes; `None` if they are not of its VR.

    Objects of a series share nearly all of their elements, and reading them is most of the work of storing.
    """
    raw = RawDataElement(tag, vr, len(value), value, 0, vr is None, is_little_endian)
    named = encoding if isinstance(encoding, str) else list(encoding)
    element = convert_raw_data_element(raw, encoding=named)
    return None if isinstance(element.value, bytes) else _written(element)


def _written(element: DataElement) -> dict[str, Any]:
    values = [_value(element.VR, value) for value in _values(element)]
    if element.tag == _CHARACTER_SET_TAG:
        values = [UTF_8]
    # A VR of pydicom is a member of an enumeration; the model holds plain text.
    vr = str(element.VR)[:2]
    return {"vr": vr, "Value": values} if any(value is not None for value in values) else {"vr": vr}


def _values(element: DataElement) -> Iterable[Any]:
    value = element.value
    if value is None or value == "":
        return ()
    return value if isinstance(value, MultiValue | list) else (value,)


def _value(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _person_name(value)
    if vr == "AT":
        return f"{int(value):08X}"
    if vr in INTEGER_VRS:
        return _integer(int(value))
    if vr in FLOAT_VRS:
        return _float(float(value))
    return str(value).rstrip(" \0") or None


def _integer(value: int) -> int | str:
    return value if abs(value) <= _MAX_JSON_INTEGER else str(value)


def _float(value: float) -> int | float | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) <= _MAX_JSON_INTEGER else value


def _person_name(value: PersonName) -> dict[str, str] | None:
    groups = (value.alphabetic, value.ideographic, value.phonetic)
    return {
        name: text for name, group in zip(GROUPS, groups, strict=True) if (text := group.rstrip(" ^\0"))
    } or None
