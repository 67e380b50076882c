"""One matching key as SQL, for keys that have a column.

What each kind of matching means is said by `pacsgate.dicom.matching`; this says
the same of the index's columns, or says that it cannot and leaves the key to
`matching.matches` over what the index keeps.

Called by `search`.

Invariants:
- a clause selects exactly the rows whose kept attributes `matching.matches`
  accepts; `tests/properties/test_sql_agrees.py` holds the two together.

Standard: PS3.4 section C.2.2.2.
"""

from collections.abc import Mapping
from typing import assert_never

from sqlalchemy import Column, and_, false, or_, true
from sqlalchemy.sql.elements import ColumnElement

from pacsgate.dicom.matching import WILDCARD_VRS, is_universal, range_keys, text_key
from pacsgate.dicom.person_names import NameQuery, name_query
from pacsgate.dicom.query import Matching, MatchKey, Range, SingleValue, UidList, Wildcard
from pacsgate.dicom.temporal import date_key, time_key
from pacsgate.stores.dialects import Flavour, member, wildcard
from pacsgate.stores.match_columns import (
    MODALITIES_IN_STUDY,
    SERIES_COLUMNS,
    STUDY_COLUMNS,
    Form,
    MatchColumn,
    moment_text,
)
from pacsgate.stores.storable import storable_text

Sql = ColumnElement[bool]

_STUDY: Mapping[str, MatchColumn] = {column.keyword: column for column in STUDY_COLUMNS}
_SERIES: Mapping[str, MatchColumn] = {column.keyword: column for column in SERIES_COLUMNS}

_FIRST_MOMENT = "0"
"""Sorts before every date and time and after whatever is none."""


def study_clause(key: MatchKey, flavour: Flavour, *, fuzzy: bool) -> Sql | None:
    """The key as a condition on `study`, or `None` if it has no column there."""
    return _clause(_STUDY, key, flavour, fuzzy=fuzzy)


def series_clause(key: MatchKey, flavour: Flavour, *, fuzzy: bool) -> Sql | None:
    """The key as a condition on `series`, or `None` if it has no column there."""
    return _clause(_SERIES, key, flavour, fuzzy=fuzzy)


def modalities_clause(key: MatchKey, flavour: Flavour) -> Sql | None:
    """The key as a condition that some admitted row of `series` must meet, if it is on ModalitiesInStudy."""
    return _clause({MODALITIES_IN_STUDY.keyword: MODALITIES_IN_STUDY}, key, flavour, fuzzy=False)


def _clause(
    columns: Mapping[str, MatchColumn], key: MatchKey, flavour: Flavour, *, fuzzy: bool
) -> Sql | None:
    column = columns.get(key.keyword) if len(key.path) == 1 else None
    if column is None:
        return None
    if is_universal(key.matching):
        return true()
    if column.form is Form.NAME:
        return None if fuzzy else _on_name(column, key.matching, flavour)
    return _on_text(column, key.matching, flavour)


def _on_text(column: MatchColumn, matching: Matching, flavour: Flavour) -> Sql | None:
    (target,) = column.columns
    match matching:
        case SingleValue(value):
            return target == _text(column, value)
        case UidList(values):
            texts = sorted({_text(column, value) for value in values})
            # An empty value among several asks for objects whose value is present and empty;
            # a column cannot tell that from a missing one.
            return None if "" in texts else member(flavour, target, texts)
        case Wildcard(pattern):
            text = _text(column, pattern)
            return wildcard(flavour, target, text, one=True) if column.vr in WILDCARD_VRS else target == text
        case Range():
            return _in_range(column, target, matching)
        case _:
            assert_never(matching)


def _in_range(column: MatchColumn, target: Column[str], bounds: Range) -> Sql:
    keys = range_keys(bounds, column.vr) if column.form in {Form.DATE, Form.TIME} else None
    if keys is None:
        return false()
    low, high = keys
    return and_(target >= (low or _FIRST_MOMENT), true() if high is None else target <= high)


def _text(column: MatchColumn, value: str) -> str:
    text = storable_text(text_key(value, column.vr))
    match column.form:
        case Form.DATE:
            return moment_text(text, date_key)
        case Form.TIME:
            return moment_text(text, time_key)
        case Form.TEXT | Form.NAME:
            return text
        case _:
            assert_never(column.form)


def _on_name(column: MatchColumn, matching: Matching, flavour: Flavour) -> Sql | None:
    match matching:
        case SingleValue(text):
            return _name_is_like(column, name_query(storable_text(text), wild=False), flavour)
        case Wildcard(text):
            return _name_is_like(column, name_query(storable_text(text), wild=True), flavour)
        case UidList(texts):
            queries = [name_query(storable_text(text), wild=False) for text in texts]
            if not all(any(query.groups) for query in queries):
                # As above: an empty name among several asks for objects that have a name.
                return None
            return or_(false(), *(_name_is_like(column, query, flavour) for query in queries))
        case Range():
            return false()
        case _:
            assert_never(matching)


def _name_is_like(column: MatchColumn, query: NameQuery, flavour: Flavour) -> Sql:
    if not any(query.groups):
        return true()
    if len(query.groups) == 1:
        alternatives = query.groups[0]
        return or_(
            *(_group_is_like(group, alternatives, flavour, wild=query.wild) for group in column.columns)
        )
    return and_(
        *(
            _group_is_like(group, alternatives, flavour, wild=query.wild)
            for alternatives, group in zip(query.groups, column.columns, strict=False)
            if alternatives
        )
    )


def _group_is_like(group: Column[str], alternatives: tuple[str, ...], flavour: Flavour, *, wild: bool) -> Sql:
    if wild:
        return or_(*(wildcard(flavour, group, alternative, one=True) for alternative in alternatives))
    return member(flavour, group, alternatives)
