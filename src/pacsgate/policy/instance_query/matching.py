"""Whether an instance matches a query, from its data set in the DICOM JSON Model.

| the element | its values |
| --- | --- |
| text, number, date, UID, tag | each by itself, as text; of a name, the alphabetic representation |
| no value, an empty sequence | one empty text |
| binary, also one that was left out for its size | one that is not empty, and equals no text and no number |
| another that an archive left out | one that is not empty; no comparison with it is true, nor with `Not` |
| a sequence | one like that for each item |

| test | true when |
| --- | --- |
| `Exists` | the element is there, in some item |
| `Empty`, `StrEquals`, `NbEquals`, `NbGreater`, `NbLess` | some value is so |
| `NotExists`, `StrNotEquals`, `NbNotEquals` | the same without `Not` is false; so also of an absent element |
| `NotEmpty` | some value is not empty, or the element is absent |

A value that is not a number is passed over by the comparisons with numbers.

Called by `pacsgate.services` at ingest and by the search of instances.

Standard: PS3.18 Annex F (DICOM JSON Model).
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, assert_never

from pacsgate.dicom.json_model import BINARY_VRS
from pacsgate.dicom.summary import DicomJson
from pacsgate.policy.instance_query.tree import (
    AllOf,
    AnyOf,
    InstanceQuery,
    NumberOrder,
    NumberTest,
    Presence,
    PresenceTest,
    TagPath,
    TextEquality,
    TextTest,
)
from pacsgate.policy.truth import like

_NUMBER = re.compile(r" *[+-]?(\d{1,64}\.?\d{0,64}|\.\d{1,64})([eE][+-]?\d{1,3})? *", re.ASCII)
_ALPHABETIC = "Alphabetic"

_Value = str | None
"""One value as text; `None` for one that is there and is no text."""

_ORDERS: Mapping[NumberOrder, Callable[[Decimal, Decimal], bool]] = {
    NumberOrder.EQUALS: operator.eq,
    NumberOrder.NOT_EQUALS: operator.eq,
    NumberOrder.GREATER: operator.gt,
    NumberOrder.LESS: operator.lt,
}


def matches(query: InstanceQuery, data_set: DicomJson) -> bool:
    """Whether the instance with this data set is one of those that the query asks for."""
    match query:
        case AllOf(queries):
            return all(matches(one, data_set) for one in queries)
        case AnyOf(queries):
            return any(matches(one, data_set) for one in queries)
        case PresenceTest(path, test):
            return _presence(test, list(_elements(data_set, path)))
        case NumberTest(path) | TextTest(path) if any(map(_is_unread, _elements(data_set, path))):
            return False
        case NumberTest(path, test, number):
            compare = _ORDERS[test]
            holds = any(compare(found, number) for found in _numbers(_values_at(data_set, path)))
            return holds is not (test is NumberOrder.NOT_EQUALS)
        case TextTest(path, test, pattern):
            wanted = pattern.casefold()
            holds = any(
                value is not None and like(value.casefold(), wanted) for value in _values_at(data_set, path)
            )
            return holds is not (test is TextEquality.NOT_EQUALS)
        case _:
            assert_never(query)


def _presence(test: Presence, elements: list[Mapping[str, Any]]) -> bool:
    match test:
        case Presence.EXISTS:
            return bool(elements)
        case Presence.NOT_EXISTS:
            return not elements
        case Presence.EMPTY:
            return any(value == "" for element in elements for value in _values(element))
        case Presence.NOT_EMPTY:
            return not elements or any(value != "" for element in elements for value in _values(element))
        case _:
            assert_never(test)


def _elements(data_set: DicomJson, path: TagPath) -> Iterator[Mapping[str, Any]]:
    """Every element at the path, through every item of every sequence on the way."""
    first, *rest = path
    element = data_set.get(first)
    if element is None:
        return
    if not rest:
        yield element
        return
    for item in element.get("Value", ()) if element.get("vr") == "SQ" else ():
        if isinstance(item, Mapping):
            yield from _elements(item, tuple(rest))


def _values_at(data_set: DicomJson, path: TagPath) -> Iterator[_Value]:
    for element in _elements(data_set, path):
        yield from _values(element)


def _is_unread(element: Mapping[str, Any]) -> bool:
    """Whether it holds a text or number that nobody has read."""
    return "BulkDataURI" in element and element.get("vr") not in BINARY_VRS


def _values(element: Mapping[str, Any]) -> Iterable[_Value]:
    vr = element.get("vr")
    values = element.get("Value")
    if values:
        return (None,) * len(values) if vr == "SQ" else tuple(_text(value) for value in values)
    # `json_model` writes a binary value that was not read as an element without one.
    is_binary = "InlineBinary" in element or "BulkDataURI" in element or vr in BINARY_VRS - {"UN"}
    return (None,) if is_binary else ("",)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get(_ALPHABETIC, ""))
    return str(value)


def _numbers(values: Iterable[_Value]) -> Iterator[Decimal]:
    for value in values:
        if value is not None and _NUMBER.fullmatch(value):
            yield Decimal(value.strip())
