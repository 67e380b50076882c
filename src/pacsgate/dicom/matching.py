"""What it means that an object matches a key: the reference for every other implementation.

`matches` asks one key of one set of attributes.  The index says the same in SQL
where it has a column, and calls this where it has none; `tests/properties`
holds the two together.

How each VR compares:

- PN: folded names (`person_names`); with `fuzzy`, word beginnings as well.
- DA, TM, DT: as moments (`temporal`), singly or in a range.  Text that is no
  moment equals only itself and is in no range.
- IS, DS and binary numbers: by number (`007` equals 7).
- everything else: character by character, with case unless `any_case`; spaces at both ends do not
  count (in LT, ST, UC, UR, UT: at the end).

A multi-valued attribute matches if any value does; inside sequences any item
will do.  A missing attribute, or an empty one, matches only universal matching
(an empty value or `*`).  Wildcards work in the VRs for which PS3.4 has them; in
others `*` and `?` are themselves.  Each key is asked on its own: a date and a
time are not combined.

Standard: PS3.4 section C.2.2.2.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Context, DecimalException
from typing import Any, assert_never

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.person_names import fuzzy_key, fuzzy_matches, name_keys, name_query, name_words
from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList, Wildcard
from pacsgate.dicom.summary import DicomJson
from pacsgate.dicom.temporal import date_key, datetime_key, time_key
from pacsgate.dicom.wildcards import glob_matches

WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""PS3.4 C.2.2.2.4: all VRs but those of dates, times, numbers, UIDs and bytes."""
NUMBER_VRS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
RANGE_VRS = frozenset({"DA", "DT", "TM"})
_LEADING_SPACES_COUNT = frozenset({"LT", "ST", "UC", "UR", "UT"})
_MOMENT = {"DA": date_key, "TM": time_key, "DT": datetime_key}
_PADDING = " \0"
# Enough for any DS (16 characters) or 64-bit integer; traps nothing, so over-long input is merely rounded.
_NUMBERS = Context(prec=64, traps=[])


def matches(key: MatchKey, attributes: DicomJson, *, fuzzy: bool = False, any_case: bool = False) -> bool:
    """Whether the attributes match the key.  `fuzzy` concerns person names only, `any_case` all but those."""
    vr = vr_of(key.path[-1])
    if is_universal(key.matching) or (vr == "PN" and _asks_nothing(key.matching, fuzzy=fuzzy)):
        return True
    return any(
        _value_matches(key.matching, value, _vr(vr, stored), fuzzy=fuzzy, any_case=any_case)
        for stored, value in _values(key.path, attributes)
    )


def is_universal(matching: Matching) -> bool:
    """Whether everything matches, also what lacks the attribute: an empty value, or nothing but `*`."""
    match matching:
        case SingleValue(value):
            return not value.strip(_PADDING)
        case Wildcard(pattern):
            return not pattern.strip("*" + _PADDING)
        case UidList():
            # Also an empty list: "one of none" must never come to mean everything.
            return False
        case Range(low, high):
            return low is None and high is None
        case _ as unreachable:
            assert_never(unreachable)


def text_key(text: str, vr: str) -> str:
    """A text without the padding that does not count in its VR."""
    return text.rstrip(_PADDING) if vr in _LEADING_SPACES_COUNT else text.strip(_PADDING)


def number_key(value: str | float) -> str | None:
    """A number in one spelling, so that equal numbers are equal strings; `None` if it is none."""
    try:
        number = _NUMBERS.create_decimal(str(value).strip(_PADDING))
    except DecimalException:
        return None
    if not number.is_finite():
        return None
    return str(_NUMBERS.normalize(number)) if number else "0"


def range_keys(bounds: Range, vr: str) -> tuple[str | None, str | None] | None:
    """The bounds as keys of the VR (`DA`, `TM` or `DT`); `None` if one is no such moment: nothing matches."""
    low = _bound(bounds.low, vr, last=False)
    high = _bound(bounds.high, vr, last=True)
    if (low is None) is not (bounds.low is None) or (high is None) is not (bounds.high is None):
        return None
    return low, high


def _bound(text: str | None, vr: str, *, last: bool) -> str | None:
    if text is None:
        return None
    match vr:
        case "DA":
            return date_key(text)
        case "TM":
            return time_key(text, last=last)
        case _:
            return datetime_key(text, last=last)


def _vr(by_name: str, stored: str) -> str:
    # Private elements are not in the dictionary: there the object knows better.
    return stored if by_name == "UN" else by_name


def _values(path: tuple[str, ...], attributes: DicomJson) -> Iterator[tuple[str, Any]]:
    element = attributes.get(tag_of(path[0]))
    if element is None:
        return
    for value in element.get("Value", ()):
        if len(path) == 1:
            yield element.get("vr", "UN"), value
        elif isinstance(value, Mapping):
            yield from _values(path[1:], value)


def _value_matches(matching: Matching, value: Any, vr: str, *, fuzzy: bool, any_case: bool) -> bool:
    if vr == "PN":
        return isinstance(value, str | Mapping) and _name_matches(matching, value, fuzzy=fuzzy)
    if not isinstance(value, str | int | float):
        return False
    if any_case:
        matching, value = in_one_case(matching), _lower(str(value))
    match matching:
        case SingleValue(wanted):
            return _key(wanted, vr) == _key(value, vr)
        case UidList(values):
            return any(_key(wanted, vr) == _key(value, vr) for wanted in values)
        case Wildcard(pattern):
            if vr not in WILDCARD_VRS:
                return _key(pattern, vr) == _key(value, vr)
            return glob_matches(text_key(pattern, vr), text_key(str(value), vr))
        case Range():
            return _in_range(matching, str(value), vr)
        case _ as unreachable:
            assert_never(unreachable)


def has_case(matching: Matching) -> bool:
    """Whether it makes a difference to a matching that the case of letters is ignored."""
    return any(in_case(matching) != matching for in_case in (in_one_case, _in_upper_case))


def is_ascii(matching: Matching) -> bool:
    """Whether all that is asked for is in ASCII."""
    return _mapped(matching, lambda text: text if text.isascii() else "") == matching


def in_one_case(matching: Matching) -> Matching:
    """What is asked for, in lower case."""
    return _mapped(matching, _lower)


def _in_upper_case(matching: Matching) -> Matching:
    return _mapped(matching, str.upper)


def _mapped(matching: Matching, change: Callable[[str], str]) -> Matching:
    match matching:
        case SingleValue(value):
            return SingleValue(change(value))
        case UidList(values):
            return UidList(tuple(map(change, values)))
        case Wildcard(pattern):
            return Wildcard(change(pattern))
        case Range():
            return matching
        case _ as unreachable:
            assert_never(unreachable)


def _lower(text: str) -> str:
    """A text in lower case, with as many characters, since `?` counts them.

    A letter outside ASCII stays outside, so that a database can look for the others by itself.
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_small, text))


def _small(letter: str) -> str:
    small = letter.lower()
    return small if len(small) == 1 and small.isascii() is letter.isascii() else letter


def _key(value: str | float, vr: str) -> str:
    """The string by whose equality values of this VR are equal."""
    text = text_key(str(value), vr)
    if vr in NUMBER_VRS:
        return number_key(text) or text
    if vr in _MOMENT:
        return _MOMENT[vr](text) or text
    return text


def _in_range(bounds: Range, value: str, vr: str) -> bool:
    if vr not in RANGE_VRS:
        return False
    keys = range_keys(bounds, vr)
    moment = _MOMENT[vr](value)
    if keys is None or moment is None:
        return False
    low, high = keys
    return (low is None or low <= moment) and (high is None or moment <= high)


def _asks_nothing(matching: Matching, *, fuzzy: bool) -> bool:
    """Whether a key for a name is only delimiters (`^=`), which is an empty value spelled out."""
    match matching:
        case SingleValue(text) | Wildcard(text) if fuzzy:
            return not name_words(text)
        case SingleValue(text) | Wildcard(text):
            return not any(name_query(text, wild=isinstance(matching, Wildcard)).groups)
        case UidList() | Range():
            return False
        case _ as unreachable:
            assert_never(unreachable)


def _name_matches(matching: Matching, value: str | Mapping[str, str], *, fuzzy: bool) -> bool:
    match matching:
        case SingleValue(text) | Wildcard(text) if fuzzy:
            # Fuzzy matching is additional: it never loses what is found without it.
            return fuzzy_matches(text, fuzzy_key(value)) or _name_matches(matching, value, fuzzy=False)
        case SingleValue(text):
            return name_query(text, wild=False).matches(name_keys(value))
        case Wildcard(text):
            return name_query(text, wild=True).matches(name_keys(value))
        case UidList(texts):
            return any(_name_matches(SingleValue(text), value, fuzzy=fuzzy) for text in texts)
        case Range():
            return False
        case _ as unreachable:
            assert_never(unreachable)
