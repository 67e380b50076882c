"""An instance query as a tree, and its one canonical spelling.

Each test looks at all values that are found at a path of tags: every item of every
sequence on the way counts.

Called by `reading`, which makes trees, and `matching`, which asks them.

Invariants:
- queries that say the same tests in another order, or twice, have one identifier;
- a name that is no attribute of DICOM stays in its path, where nothing is ever found.
"""

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import assert_never

from pydicom.datadict import tag_for_keyword

from pacsgate.dicom.attributes import keyword_of

_TAG = re.compile(r"[0-9A-F]{8}", re.ASCII)
_ID_LENGTH = 200
"""Characters of a query that is its own identifier; an explanation shows it, and an index column holds it."""
_ID_DIGITS = 32

TagPath = tuple[str, ...]
"""Tags of eight upper-case hexadecimal digits, all but the last of sequences."""


class Presence(StrEnum):
    """Whether the element is there, and whether it holds anything."""

    EXISTS = "Exists"
    NOT_EXISTS = "NotExists"
    EMPTY = "Empty"
    NOT_EMPTY = "NotEmpty"


class NumberOrder(StrEnum):
    """A comparison with a number."""

    EQUALS = "NbEquals"
    NOT_EQUALS = "NbNotEquals"
    GREATER = "NbGreater"
    LESS = "NbLess"


class TextEquality(StrEnum):
    """A comparison with a text in which `*` is any run of characters."""

    EQUALS = "StrEquals"
    NOT_EQUALS = "StrNotEquals"


@dataclass(frozen=True, slots=True)
class PresenceTest:
    """`PatientComments NotEmpty`."""

    path: TagPath
    test: Presence


@dataclass(frozen=True, slots=True)
class NumberTest:
    """`SliceThickness NbLess 1.5`."""

    path: TagPath
    test: NumberOrder
    number: Decimal


@dataclass(frozen=True, slots=True)
class TextTest:
    """`StudyDescription StrEquals "*chest*"`.  Case does not count."""

    path: TagPath
    test: TextEquality
    pattern: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these; of none, every instance."""

    queries: "tuple[InstanceQuery, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these."""

    queries: "tuple[InstanceQuery, ...]"


Test = PresenceTest | NumberTest | TextTest
InstanceQuery = Test | AllOf | AnyOf

EVERY_INSTANCE = AllOf(())


def query_id(query: InstanceQuery) -> str:
    """The identifier under which facts say that an instance matches this query: itself, unless it is long."""
    written = canonical(query)
    if len(written) <= _ID_LENGTH:
        return written
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()[:_ID_DIGITS]}"


def canonical(query: InstanceQuery) -> str:
    """The query in the language itself, in one spelling."""
    match query:
        case PresenceTest(path, test):
            return f"{_named(path)} {test}"
        case NumberTest(path, test, number):
            return f"{_named(path)} {test} {number:f}"
        case TextTest(path, test, pattern):
            return f'{_named(path)} {test} "{pattern.casefold()}"'
        case AllOf(queries):
            return _joined(" AND ", queries)
        case AnyOf(queries):
            return _joined(" OR ", queries)
        case _:
            assert_never(query)


def _named(path: TagPath) -> str:
    return ".".join(map(_name, path))


@lru_cache(maxsize=1024)
def _name(tag: str) -> str:
    """The keyword of a tag, where that means this tag alone; an overlay's does not."""
    keyword = keyword_of(tag) if _TAG.fullmatch(tag) else None
    return keyword if keyword is not None and tag_for_keyword(keyword) == int(tag, 16) else tag


def _joined(word: str, queries: "tuple[InstanceQuery, ...]") -> str:
    parts = sorted({canonical(one) for one in queries})
    return parts[0] if len(parts) == 1 else word.join(f"({part})" for part in parts)


def tests_of(query: InstanceQuery) -> tuple[Test, ...]:
    """Every test in the query, in the order written."""
    match query:
        case AllOf(queries) | AnyOf(queries):
            return tuple(test for one in queries for test in tests_of(one))
        case PresenceTest() | NumberTest() | TextTest():
            return (query,)
        case _:
            assert_never(query)


def unknown_names(query: InstanceQuery) -> tuple[str, ...]:
    """The names in the query's paths that are no attribute of DICOM."""
    names = dict.fromkeys(name for test in tests_of(query) for name in test.path)
    return tuple(name for name in names if not _TAG.fullmatch(name))
