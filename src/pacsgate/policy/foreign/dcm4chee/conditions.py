r"""Conditions of dcm4chee 5: `{key}[!]={value}`, all of which must hold of an object.

A key is `SendingApplicationEntityTitle`, `ReceivingApplicationEntityTitle` or the way to an element
(`Modality`, `00400275.0040100A`, `ImageType[3]`).  A value is a regular expression that must match
the whole of some value, a code (`(code, scheme, "meaning")`, several with `|`), or empty: there is a value.
A negated condition is true of what is not there.  As there, an index beyond the last value counts as a match.

Regular expressions are run by RE2, in linear time; what Java's could besides (looking around,
references back) is refused when the condition is read.

Called when a rule is imported, and when an object is stored (`pacsgate.services.store_labels`); never by a
decision.

Standard: none; `Conditions.java` of dcm4chee-arc-light 5.34.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from pacsgate.model.errors import RequestError

SENDING = "SendingApplicationEntityTitle"
RECEIVING = "ReceivingApplicationEntityTitle"
_UNKNOWN_HERE = frozenset({"SendingHostname", "ReceivingHostname"})
_KEY = re.compile(r"(?P<path>[0-9A-Za-z.]+)(?:\[(?P<index>[0-9]{1,4})\])?", re.ASCII)
_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_CODE = re.compile(r'\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*(?:,\s*"[^"]*"\s*)?\)')
_LONGEST = 1000
_MEMORY_BYTES = 1 << 20

Code = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a condition may look at: the header of what was stored, and between whom."""

    header: Dataset
    sending: str | None
    receiving: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.  With neither `pattern` nor `codes`, it asks whether there is a value."""

    text: str
    key: str
    path: tuple[int, ...] = ()
    index: int | None = None
    negated: bool = False
    pattern: Any = None
    codes: frozenset[Code] = frozenset()

    def holds(self, observed: Observed) -> bool:
        """Whether it is true."""
        return self._matches(observed) is not self.negated

    def _matches(self, observed: Observed) -> bool:
        if self.key in {SENDING, RECEIVING}:
            title = observed.sending if self.key == SENDING else observed.receiving
            return title is not None and self._fits([title])
        return any(self._fits_element(item) for item in _items(observed.header, self.path[:-1]))

    def _fits_element(self, item: Dataset) -> bool:
        element: Any = item.get(self.path[-1])
        if element is None:
            return False
        if self.codes:
            return any(_code(each) in self.codes for each in _sequence(element.value))
        values = _texts(element.value)
        if not values:
            return False
        if self.index is None:
            return self._fits(values)
        return self.index > len(values) or self._fits([values[self.index - 1]])

    def _fits(self, values: Sequence[str]) -> bool:
        return self.pattern is None or any(self.pattern.fullmatch(value) is not None for value in values)


def read_condition(text: str) -> Condition:
    """One condition.  Raises `RequestError` for what cannot be the same here."""
    if len(text) > _LONGEST:
        raise RequestError(f"the condition has more than {_LONGEST} characters")
    key, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"`{text}` is no condition: write `key=value` or `key!=value`")
    negated, key = key.endswith("!"), key.removesuffix("!").strip()
    if key in _UNKNOWN_HERE:
        raise RequestError(f"`{key}` is not looked at here: names of hosts prove nothing")
    if value.startswith("\N{SECTION SIGN}"):
        raise RequestError(f"`{value}` is a predicate that has no counterpart here")
    codes = frozenset(_CODE.findall(value))
    is_code = bool(codes) and not _CODE.sub("", value).replace("|", "").strip()
    pattern = None if is_code or not value else _compiled(value)
    chosen = codes if is_code else frozenset[Code]()
    if key in {SENDING, RECEIVING}:
        return Condition(text, key, negated=negated, pattern=pattern, codes=chosen)
    path, index = _path(key)
    return Condition(text, key, path, index, negated, pattern, chosen)


def _compiled(value: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(value, options)
    except re2.error as error:
        raise RequestError(f"`{value}` is no regular expression that runs in linear time") from error


def _path(key: str) -> tuple[tuple[int, ...], int | None]:
    named = _KEY.fullmatch(key)
    if named is None:
        raise RequestError(f"`{key}` is no way to an element")
    tags = []
    for part in named["path"].split("."):
        tag = int(part, 16) if _TAG.fullmatch(part) else tag_for_keyword(part)
        if tag is None:
            raise RequestError(f"no DICOM attribute has the keyword `{part}`")
        tags.append(tag)
    return tuple(tags), int(named["index"]) if named["index"] else None


def _items(data_set: Dataset, path: tuple[int, ...]) -> Iterator[Dataset]:
    """Every item at the end of a way through sequences."""
    if not path:
        yield data_set
        return
    element: Any = data_set.get(path[0])
    for item in () if element is None else _sequence(element.value):
        yield from _items(item, path[1:])


def _sequence(value: object) -> Iterator[Dataset]:
    yield from value if isinstance(value, Items) else ()


def _code(item: Dataset) -> Code:
    return str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))


def _texts(value: object) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, Items):
        return []
    several = value if isinstance(value, MultiValue | list | tuple) else [value]
    return [str(each) for each in several if str(each)]
