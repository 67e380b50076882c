r"""From the text of a search value to what kind of matching it asks for.

The kind follows from the value and its VR: a hyphen makes a range of dates but
is part of a name, a comma separates UIDs but is part of a description.  A value
that its VR could never hold is refused rather than found nowhere, because the
reader of an empty list believes it.

Called by `dicomweb.search_request`, `dimse.find_request` and `orthanc.find_body`.

Invariants:
- `None` is universal matching, which is no condition at all;
- every UID, date, time and number in a result is well-formed.

Standard: PS3.4 C.2.2.2 (kinds of matching), PS3.5 6.2 (VRs), PS3.18 8.3.4.1 (their text).
"""

import re
from collections.abc import Callable, Mapping

from pacsgate.dicom.query import Matching, Range, SingleValue, UidList, Wildcard
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError

MAX_VALUE_CHARACTERS = 1024
"""A person name of three groups has 194; text VRs are longer, but nobody searches for a page."""
MAX_LIST_VALUES = 1000
"""SQLite binds 32,766 values in one statement, PostgreSQL 65,535."""

_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,3})?", re.ASCII)

_DATE = r"[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"
_DATE_TIME = rf"(?:[0-9]{{4}}(?:0[1-9]|1[0-2])?|{_DATE}(?:{_TIME})?)(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9])?"


def _ranged(point: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<single>{point})|(?P<low>{point})?-(?P<high>{point})?", re.ASCII)


_RANGES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "DA": (_ranged(_DATE), "`YYYYMMDD`"),
    "TM": (_ranged(_TIME), "`HH`, `HHMM`, `HHMMSS` or `HHMMSS.FFFFFF`"),
    "DT": (_ranged(_DATE_TIME), "`YYYYMMDDHHMMSS.FFFFFF&ZZXX` or a beginning of it"),
}
_NUMBERS: Mapping[str, tuple[re.Pattern[str], str]] = {
    **dict.fromkeys(("IS", "SL", "SS", "SV", "UL", "US", "UV"), (_WHOLE, "a whole number")),
    **dict.fromkeys(("DS", "FD", "FL"), (_DECIMAL, "a number")),
}
_AGE = (re.compile(r"[0-9]{3}[DWMY]", re.ASCII), "`nnnD`, `nnnW`, `nnnM` or `nnnY`")


def read_matching(name: str, vr: str, text: str, *, several: bool) -> Matching | None:
    r"""Read one value; `name` is only for the error.

    `several` is `multiplevaluematching=true`: a backslash then separates values
    of any VR that has neither ranges nor free text.
    """
    value = text.strip(" ")
    if value in {"", "*"}:
        return None
    if vr == "UI":
        return _uids(name, value)
    if len(value) > MAX_VALUE_CHARACTERS:
        raise RequestError(f"value of `{name}` is longer than {MAX_VALUE_CHARACTERS} characters")
    if vr in _RANGES:
        return _point_or_range(name, value, *_RANGES[vr])
    return _READERS.get(vr, _unmatchable)(name, vr, value, several)


def _uids(name: str, value: str) -> Matching:
    uids = tuple(re.split(r"[,\\]", value))
    if len(uids) > MAX_LIST_VALUES:
        raise RequestError(f"`{name}` lists more than {MAX_LIST_VALUES} UIDs")
    if not all(is_valid_uid(uid) for uid in uids):
        raise RequestError(f"`{name}` has a malformed UID: expected up to 64 digits and single dots")
    return SingleValue(uids[0]) if len(uids) == 1 else UidList(uids)


def _point_or_range(name: str, value: str, form: re.Pattern[str], described: str) -> Matching:
    found = form.fullmatch(value)
    if found is None or value == "-":
        raise RequestError(f"value of `{name}` is malformed: expected {described}, or two joined by `-`")
    if found["single"] is not None:
        return SingleValue(found["single"])
    return Range(found["low"], found["high"])


def _number(name: str, vr: str, value: str, several: bool) -> Matching:  # noqa: FBT001 - a row of `_READERS`
    form, described = _AGE if vr == "AS" else _NUMBERS[vr]
    values = value.split("\\") if several else [value]
    if not all(form.fullmatch(one) for one in values):
        raise RequestError(f"value of `{name}` is malformed: expected {described}")
    return _one_or_list(name, values)


def _string(name: str, vr: str, value: str, several: bool) -> Matching:  # noqa: FBT001 - a row of `_READERS`
    # A code string has no comma, so that one can only separate: viewers send `CT,MR`.
    values = re.split(r"[,\\]", value) if vr == "CS" else value.split("\\")
    if len(values) > 1 and vr != "CS" and not several:
        raise RequestError(f"`{name}` has several values: send `multiplevaluematching=true` or one value")
    values = [one.strip(" ") for one in values]
    if len(values) > 1 and any(set("*?") & set(one) for one in values):
        raise RequestError(f"`{name}` has several values: none of them may have a wildcard")
    if set("*?") & set(values[0]):
        return Wildcard(values[0])
    return _one_or_list(name, values)


def _text(name: str, vr: str, value: str, several: bool) -> Matching:  # noqa: ARG001, FBT001 - a row of `_READERS`
    # In person names and free text a list has no meaning, and in the latter a backslash is a character.
    if vr == "PN" and "\\" in value:
        raise RequestError(f"`{name}` has several values: a person name is matched one at a time")
    return Wildcard(value) if set("*?") & set(value) else SingleValue(value)


def _unmatchable(name: str, vr: str, value: str, several: bool) -> Matching:  # noqa: ARG001, FBT001 - a row of `_READERS`
    if vr == "SQ":
        raise RequestError(f"`{name}` is a sequence: name an attribute inside it, as `{name}.attribute`")
    raise RequestError(f"`{name}` cannot be searched for: its values are not text")


def _one_or_list(name: str, values: list[str]) -> Matching:
    if len(values) > MAX_LIST_VALUES or not all(values):
        raise RequestError(f"`{name}` lists an empty value, or more than {MAX_LIST_VALUES}")
    return SingleValue(values[0]) if len(values) == 1 else UidList(tuple(values))


_READERS: Mapping[str, Callable[[str, str, str, bool], Matching]] = {
    **dict.fromkeys((*_NUMBERS, "AS"), _number),
    **dict.fromkeys(("AE", "CS", "LO", "SH", "UC"), _string),
    **dict.fromkeys(("LT", "PN", "ST", "UR", "UT"), _text),
}
