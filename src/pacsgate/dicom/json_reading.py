"""DICOM JSON from elsewhere, checked and brought into the one form that we write.

An origin's metadata decides access, so it is read strictly: what is not the model
is refused with the tag at which it goes wrong.  Values that are not of their
element's VR are another matter, since archives hold objects with every mistake
there is: the element is absent then, as it is when `to_json` meets it in an object,
and a policy sees a missing attribute.  Members that the model does not have are left out.

Called by the `dicomweb` archive.

Invariants:
- the result holds only what `to_json` could have written: upper-case tags in
  order, names as objects, numbers as numbers, no group lengths and no group 0002;
- reading what `to_json` wrote changes nothing.

Standard: PS3.18 Annex F.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pacsgate.dicom.json_model import BINARY_VRS, FLOAT_VRS, INTEGER_VRS, MAX_DEPTH
from pacsgate.dicom.person_names import GROUPS
from pacsgate.model.errors import RequestError


class _NotOfItsVr(Exception):  # noqa: N818 - it never leaves this module
    """An element's values are not of its VR."""


_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_TEXT_VRS = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_VRS = _TEXT_VRS | BINARY_VRS | FLOAT_VRS | INTEGER_VRS | {"PN", "SQ"}
_CONTENTS = frozenset({"Value", "BulkDataURI", "InlineBinary"})
_MAX_SAFE_INTEGER = 2**53 - 1


def read_json(data: object) -> dict[str, dict[str, Any]]:
    """Check one data set that a JSON parser has read.  Raises `RequestError`."""
    return _dataset(data, "", 0)


def _dataset(data: object, where: str, depth: int) -> dict[str, dict[str, Any]]:
    if not isinstance(data, Mapping):
        raise _wrong(where, "a data set must be an object")
    if depth > MAX_DEPTH:
        raise _wrong(where, f"sequences are nested deeper than {MAX_DEPTH} levels")
    read: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for name, element in data.items():
        if not isinstance(name, str) or not _TAG.fullmatch(name):
            raise _wrong(where, "a tag must be eight hexadecimal digits")
        tag = name.upper()
        if tag in seen:
            raise _wrong(f"{where}{tag}", "the tag appears twice")
        seen.add(tag)
        if tag[:4] not in {"0000", "0002"} and tag[4:] != "0000":
            with suppress(_NotOfItsVr):
                read[tag] = _element(element, f"{where}{tag}", depth)
    return dict(sorted(read.items()))


def _element(element: object, where: str, depth: int) -> dict[str, Any]:
    if not isinstance(element, Mapping) or not isinstance(element.get("vr"), str):
        raise _wrong(where, "an element must be an object with a known `vr`")
    if element["vr"] not in _VRS:
        raise _wrong(where, "an element must be an object with a known `vr`")
    vr = element["vr"]
    contents = _CONTENTS & element.keys()
    if len(contents) > 1:
        raise _wrong(where, "an element holds one of `Value`, `BulkDataURI` and `InlineBinary`")
    if "BulkDataURI" in contents and isinstance(element["BulkDataURI"], str):
        return {"vr": vr, "BulkDataURI": element["BulkDataURI"]}
    if "InlineBinary" in contents:
        return _inline(element["InlineBinary"], vr)
    values = element.get("Value", [])
    if "BulkDataURI" in contents or not isinstance(values, list):
        raise _wrong(where, "`Value` must be a list and `BulkDataURI` a text")
    if values and vr in BINARY_VRS:
        raise _NotOfItsVr
    if where == "00080005":
        values = ["ISO_IR 192"] if values else []
    read = [_value(value, vr, f"{where}/{number}", depth) for number, value in enumerate(values, 1)]
    return {"vr": vr, "Value": read} if any(value is not None for value in read) else {"vr": vr}


def _inline(text: object, vr: str) -> dict[str, Any]:
    try:
        if vr not in BINARY_VRS or not isinstance(text, str):
            raise _NotOfItsVr
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _NotOfItsVr from None
    return {"vr": vr, "InlineBinary": text} if text else {"vr": vr}


def _value(value: object, vr: str, where: str, depth: int) -> Any:
    if vr == "SQ":
        return _dataset({} if value is None else value, f"{where}/", depth + 1)
    if value is None or value == "":
        return None
    if vr == "PN":
        return _name(value)
    if vr in INTEGER_VRS | FLOAT_VRS:
        return _number(value, vr)
    if not isinstance(value, str):
        raise _NotOfItsVr
    return (value.upper() if vr == "AT" else value.rstrip(" \0")) or None


def _name(value: object) -> dict[str, str] | None:
    if isinstance(value, str):
        # Before PS3.18 2013 a name was a plain string; some origins still write it.
        value = dict(zip(GROUPS, value.split("="), strict=False))
    if not isinstance(value, Mapping) or not all(isinstance(value.get(group, ""), str) for group in GROUPS):
        raise _NotOfItsVr
    groups = {group: value.get(group, "").rstrip(" ^\0") for group in GROUPS}
    return {group: text for group, text in groups.items() if text} or None


def _number(value: object, vr: str) -> int | float | str | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _NotOfItsVr
    text = str(value).strip(" \0")
    try:
        number = float(text)
    except ValueError:
        raise _NotOfItsVr from None
    if not math.isfinite(number):
        return None
    if _INTEGER.fullmatch(text):
        exact = int(text)
        return exact if abs(exact) <= _MAX_SAFE_INTEGER else str(exact) if vr in INTEGER_VRS else number
    if vr in INTEGER_VRS and not number.is_integer():
        raise _NotOfItsVr
    return int(number) if number.is_integer() and abs(number) <= _MAX_SAFE_INTEGER else number


def _wrong(where: str, what: str) -> RequestError:
    return RequestError(f"invalid DICOM JSON{f' at `{where}`' if where else ''}: {what}")
