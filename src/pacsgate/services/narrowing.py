"""What a study must say for any of its instances to match a query, as matching keys of the index.

Every instance of every visible study could be asked, and nothing else would be
found; but most queries name a modality or a time, by which the index finds studies at
once.

Called by `search_instances`.

Invariants:
- a study with a matching instance matches every key, if its StudyDate is a date and each Modality
  one value, as PS3.3 has them.
"""

from collections.abc import Iterator
from itertools import product

from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList
from pacsgate.dicom.temporal import date_key
from pacsgate.policy.instance_query.tree import (
    AllOf,
    InstanceQuery,
    NumberOrder,
    NumberTest,
    Test,
    TextEquality,
    TextTest,
)

_STUDY_INSTANCE_UID, _MODALITY, _STUDY_DATE = ("0020000D",), ("00080060",), ("00080020",)
_SPELLINGS = 4
"""Letters of a modality that is looked up in every mixture of cases; nearly all have two or three."""


def study_keys(query: InstanceQuery) -> tuple[MatchKey, ...]:
    """The keys; none where the query does not say enough."""
    keys = (_key(test) for test in _needed(query))
    return tuple(key for key in keys if key is not None)


def _needed(query: InstanceQuery) -> Iterator[Test]:
    """The tests that every match passes."""
    if isinstance(query, AllOf):
        for one in query.queries:
            yield from _needed(one)
    elif isinstance(query, Test):
        yield query


def _key(test: Test) -> MatchKey | None:
    match test:
        case TextTest(path, TextEquality.EQUALS, text) if text and "*" not in text:
            if path == _STUDY_INSTANCE_UID:
                return MatchKey(("StudyInstanceUID",), SingleValue(text))
            if path == _MODALITY and len(text) <= _SPELLINGS and text.isascii():
                return MatchKey(("ModalitiesInStudy",), UidList(_spellings(text)))
        case NumberTest(path, order, number) if path == _STUDY_DATE and date_key(f"{number:f}"):
            dates = _dates(order, f"{number:f}")
            return None if dates is None else MatchKey(("StudyDate",), dates)
        case _:
            pass
    return None


def _spellings(text: str) -> tuple[str, ...]:
    return tuple(sorted({"".join(each) for each in product(*({one.upper(), one.lower()} for one in text))}))


def _dates(order: NumberOrder, date: str) -> Matching | None:
    match order:
        case NumberOrder.EQUALS:
            return Range(date, date)
        case NumberOrder.GREATER:
            return Range(date, None)
        case NumberOrder.LESS:
            return Range(None, date)
        case NumberOrder.NOT_EQUALS:
            return None
