"""JSON from an origin, read as data sets of the DICOM JSON Model.

Called by `listing`, `metadata`, `storing` and `origin`.

Standard: PS3.18 Annex F.2.
"""

from typing import Any

from pacsgate.dicom.json_reading import read_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import RequestError
from pacsgate.upstream.http.answers import unreadable


def read_data_set(value: Any) -> DicomJson:
    """One data set, in the form that we write.  Raises `ArchiveError`."""
    try:
        return read_json(value)
    except RequestError as error:
        # Names the element and never its value.
        raise unreadable(error.public) from None


def first_string(data_set: DicomJson, tag: str) -> str | None:
    """The first value of an element, if it is a string with something in it."""
    values = data_set.get(tag, {}).get("Value") or [None]
    return values[0] if isinstance(values[0], str) and values[0] else None


def items_of(data_set: DicomJson, tag: str) -> list[DicomJson]:
    """The items of a sequence; none when it is absent or empty."""
    element = data_set.get(tag, {})
    return list(element.get("Value", [])) if element.get("vr") == "SQ" else []
