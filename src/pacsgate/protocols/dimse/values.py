"""One attribute of the DICOM JSON Model as the bytes of an element's value.

Called by `find_response`; its tables of VRs by `identifiers` too.

Invariants:
- a value has an even length, and what cannot be written is empty.

Standard: PS3.5 6.2 (VRs); PS3.18 annex F (the model).
"""

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pacsgate.dicom.person_names import GROUPS

Write = Callable[[Sequence[Any], str], bytes]
"""Writes values with a codec.  Raises `UnicodeEncodeError` for text that the codec has not."""

_MAX_DECIMAL = 16
"""Characters of a DS."""

BINARY_FORMATS: Mapping[str, str] = {
    "FD": "d",
    "FL": "f",
    "SL": "i",
    "SS": "h",
    "SV": "q",
    "UL": "I",
    "US": "H",
    "UV": "Q",
}
"""VRs that are binary numbers, as `struct` names them."""
CODED_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
"""VRs whose text is in the Specific Character Set, but for names."""
PADDING: Mapping[str, bytes] = {
    **dict.fromkeys((*CODED_VRS, "AE", "AS", "CS", "DA", "DT", "TM", "UR"), b" "),
    "UI": b"\0",
}
"""VRs of which one value is one text, with what makes its length even."""


def writer_of(vr: str, *, little_endian: bool) -> Write:
    """Return what writes the values of a VR."""
    order = "<" if little_endian else ">"
    if vr in BINARY_FORMATS:
        return _binary(order + BINARY_FORMATS[vr])
    if vr == "AT":
        return _tags(order)
    if vr in CODED_VRS:
        return _coded
    return _WRITERS.get(vr, _ascii)


def inline(text: str) -> bytes:
    """Return the bytes of an `InlineBinary`."""
    return _even(base64.b64decode(text), b"\0")


def _even(value: bytes, padding: bytes) -> bytes:
    return value + padding if len(value) & 1 else value


def _coded(values: Sequence[Any], codec: str) -> bytes:
    return _even("\\".join([value or "" for value in values]).encode(codec), b" ")


def _names(values: Sequence[Any], codec: str) -> bytes:
    return _even("\\".join([_name(value) for value in values]).encode(codec), b" ")


def _name(value: Mapping[str, str] | None) -> str:
    if value is None:
        return ""
    if len(value) == 1 and "Alphabetic" in value:
        return value["Alphabetic"]
    return "=".join(value.get(group, "") for group in GROUPS).rstrip("=")


def _ascii(values: Sequence[Any], codec: str) -> bytes:  # noqa: ARG001 - a row of `_WRITERS`
    # What ASCII has not, such a value may not hold; in an object that holds it, it was not readable either.
    text = "\\".join(["" if value is None else str(value) for value in values])
    return _even(text.encode("ascii", "replace"), b" ")


def _uids(values: Sequence[Any], codec: str) -> bytes:  # noqa: ARG001 - a row of `_WRITERS`
    return _even("\\".join([value or "" for value in values]).encode("ascii", "replace"), b"\0")


def _decimals(values: Sequence[Any], codec: str) -> bytes:  # noqa: ARG001 - a row of `_WRITERS`
    return _even("\\".join(map(_decimal, values)).encode("ascii"), b" ")


def _decimal(value: float | None) -> str:
    if value is None:
        return ""
    text = str(value)
    return text if len(text) <= _MAX_DECIMAL else f"{value:.9g}"


def _binary(form: str) -> Write:
    def write(values: Sequence[Any], codec: str) -> bytes:  # noqa: ARG001 - has the form of a `Write`
        try:
            return b"".join(struct.pack(form, _number(value, form)) for value in values)
        except (struct.error, ValueError, TypeError, OverflowError):
            return b""

    return write


def _number(value: Any, form: str) -> float:
    return float(value) if form[1] in "df" else int(value)


def _tags(order: str) -> Write:
    def write(values: Sequence[Any], codec: str) -> bytes:  # noqa: ARG001 - has the form of a `Write`
        tags = (value for value in values if value)
        return b"".join(struct.pack(f"{order}HH", int(tag[:4], 16), int(tag[4:], 16)) for tag in tags)

    return write


def _one_name(value: Mapping[str, str]) -> str | None:
    return value.get("Alphabetic") if len(value) == 1 else None


def _one_number(value: object) -> str | None:
    return str(value) if type(value) is int else None


SINGLE_TEXT: Mapping[str, Callable[[Any], str | None]] = {"IS": _one_number, "PN": _one_name}
"""VRs of which one value is written as one text that can be read from it, if it is of the usual kind."""

_WRITERS: Mapping[str, Write] = {"DS": _decimals, "PN": _names, "UI": _uids}
