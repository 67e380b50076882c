"""Whether JSON from an origin has the shape of the DICOM JSON Model at all.

What passes can be read without surprises of type; whether values make sense is
for `dicom` to say.

Called by `listing`, `metadata` and `storing`.

Standard: PS3.18 Annex F.2.
"""

from typing import Any

from pacsgate.dicom.json_model import MAX_DEPTH
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import ArchiveError
from pacsgate.upstream.dicomweb.answers import unreadable


def require_data_set(value: Any, depth: int = 0) -> DicomJson:
    """The value, if it is an object of elements, each with `vr` and perhaps a list of values."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        raise _shapeless()
    for tag, element in value.items():
        if not isinstance(element, dict) or len(tag) != 8 or not isinstance(element.get("vr"), str):
            raise _shapeless()
        values = element.get("Value", [])
        if not isinstance(values, list) or not isinstance(element.get("InlineBinary", ""), str):
            raise _shapeless()
        if element["vr"] == "SQ":
            for item in values:
                require_data_set(item, depth + 1)
    return value


def first_string(data_set: DicomJson, tag: str) -> str | None:
    """The first value of an element, if it is a string with something in it."""
    values = data_set.get(tag, {}).get("Value") or [None]
    return values[0] if isinstance(values[0], str) and values[0] else None


def items_of(data_set: DicomJson, tag: str) -> list[DicomJson]:
    """The items of a sequence; none when it is absent or empty."""
    element = data_set.get(tag, {})
    return list(element.get("Value", [])) if element.get("vr") == "SQ" else []


def _shapeless() -> ArchiveError:
    return unreadable("not the DICOM JSON Model")
